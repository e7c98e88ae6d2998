import { type Metrics } from './metrics.js';
import { type Readiness } from './readiness.js';

/**
 * Shows what /readyz says as the gauge `argosy_ready` (label `source`): 1 where the source can be used, 0 where not, asked before each scrape. It is
 * there as long as the program answers at all, so that an alert can tell a program that is gone from one that waits for its database.
 */
export function showReadiness(metrics: Metrics, readiness: Pick<Readiness, 'report'>): void {
  const ready = metrics.gauge({
    name: 'argosy_ready',
    help: 'What the program needs: 1 where it can be used, 0 where not.',
    labelNames: ['source'],
  });
  metrics.beforeScrape(async () => {
    const { sources } = await readiness.report();
    for (const [source, isReady] of Object.entries(sources)) ready.set(isReady ? 1 : 0, { source });
  });
}
