import { createScope, substituteJson } from '#libs/expressions';
import type { PrometheusMetric } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import { isFinished } from '../workflow/workflow-phase.js';
import { measure, startGauges } from './measure.js';

const ID = '';

/** The workflow's own metrics: in real time from its start (again where the state was made anew), the others at its end, each once. */
export const measureWorkflow = (pass: Pass, isRestored: boolean): void => {
  const { state, nowMs } = pass;
  const metrics = state.spec.metrics?.prometheus ?? [];
  const startedAtMs = state.header.internal['startedAtMs'];
  const known = state.header.internal['measured'];
  if (metrics.length === 0 || typeof startedAtMs !== 'number') return;
  const next = isFinished(state) ? 'ended' : 'begun';
  if (known === 'ended' || (known === next && !isRestored)) return;
  // At the end the variables speak of the whole run: its phase is the final one.
  const variables = new Map<string, string>([['workflow.status', state.header.status.phase ?? '']]);
  for (const [resource, seconds] of Object.entries(state.header.status.resourcesDuration ?? {}))
    variables.set(`workflow.resourcesDuration.${resource}`, String(seconds));
  const scope = createScope(variables, globalScope(state, nowMs));
  const resolved = (): PrometheusMetric[] => substituteJson([...metrics], scope, { nowMs });
  if (next === 'ended') measure(pass, { id: ID, metrics, resolved });
  else startGauges(pass, { id: ID, metrics, resolved, sinceMs: startedAtMs, variable: 'workflow.duration' });
  if (known === next) return;
  state.changeHeader((header) => {
    header.internal = { ...header.internal, measured: next };
  });
};
