import { afterEach, describe, expect, it } from 'vitest';

import { argoMetrics, HealthServer, Metrics, queueMetrics, Readiness, showBacklogs, showReadiness } from './index.js';

describe('HealthServer', () => {
  const servers: HealthServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

  async function serve() {
    const metrics = new Metrics();
    const readiness = new Readiness();
    const server = new HealthServer({ port: 0, metrics, readiness });
    servers.push(server);
    const base = `http://127.0.0.1:${await server.start()}`;
    return { metrics, readiness, get: (path: string) => fetch(base + path) };
  }

  it('is healthy although nothing that it needs is there, but not ready', async () => {
    const { readiness, get } = await serve();
    readiness.register('database', () => false);
    readiness.register('queue', () => true);
    expect((await get('/healthz')).status).toBe(200);
    const ready = await get('/readyz');
    expect([ready.status, await ready.json()]).toEqual([503, { ready: false, sources: { database: false, queue: true } }]);
  });

  it('is ready when every source is, and not while a check throws', async () => {
    const { readiness, get } = await serve();
    let broken = true;
    readiness.register('database', () => {
      if (broken) throw new Error('pool is closed');
      return true;
    });
    expect((await get('/readyz')).status).toBe(503);
    broken = false;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('shows in metrics what it needs and has not, also when that comes back', async () => {
    const { metrics, readiness, get } = await serve();
    let isThere = false;
    readiness.register('database', () => isThere);
    readiness.register('queue', () => true);
    showReadiness(metrics, readiness);
    const shown = async () =>
      (await (await get('/metrics')).text()).split('\n').filter((line) => line.startsWith('argosy_ready{'));
    expect(await shown()).toEqual(['argosy_ready{source="database"} 0', 'argosy_ready{source="queue"} 1']);
    isThere = true;
    expect(await shown()).toEqual(['argosy_ready{source="database"} 1', 'argosy_ready{source="queue"} 1']);
  });

  it('serves metrics although a database does not answer, and does not ask it twice at one time', async () => {
    const { metrics, get } = await serve();
    let askedCount = 0;
    metrics.beforeScrape(() => {
      askedCount += 1;
      return new Promise(() => undefined);
    });
    metrics.beforeScrape(() => argoMetrics(metrics).workflows.set(3, { phase: 'Running' }));
    const shown = await Promise.all([1, 2].map(async () => (await get('/metrics')).text()));
    for (const text of shown) expect(text).toContain('argo_workflows_gauge{phase="Running"} 3');
    expect(askedCount).toBe(1);
  });

  it("serves metrics under Argo's names, with gauges read just before", async () => {
    const { metrics, get } = await serve();
    const argo = argoMetrics(metrics);
    argo.workflowsTotal.add(2, { phase: 'Succeeded', namespace: 'argo' });
    metrics.beforeScrape(() => argo.workflows.set(3, { phase: 'Running' }));
    metrics.beforeScrape(() => Promise.reject(new Error('database is away')));
    argo.operationSeconds.observe(0.02);
    const response = await get('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(text).toContain('argo_workflows_total_count{phase="Succeeded",namespace="argo"} 2');
    expect(text).toContain('argo_workflows_gauge{phase="Running"} 3');
    expect(text).toContain('argo_workflows_operation_duration_seconds_count 1');
  });

  it('counts what the queue reports, and bugs as errors of the controller', async () => {
    const { metrics } = await serve();
    const queue = queueMetrics(metrics);
    queue.ran('workflow', 'done', 12);
    queue.ran('workflow', 'bug', 5);
    queue.hintDropped('pod', 'buffer_full');
    queue.woken('pod', 4);
    showBacklogs(metrics, async () => new Map([['workflow', { waitingCount: 7, ageMs: 2_500 }]]));
    const text = await metrics.text();
    expect(text).toContain('argosy_job_runs_total{queue="workflow",outcome="bug"} 1');
    expect(text).toContain('argosy_hints_dropped_total{queue="pod",reason="buffer_full"} 1');
    expect(text).toContain('argo_workflows_error_count{cause="OperationPanic"} 1');
    expect(text).toContain('argo_workflows_queue_adds_count{queue_name="pod"} 4');
    expect(text).toContain('argo_workflows_queue_depth_gauge{queue_name="workflow"} 7');
    expect(text).toContain('argosy_queue_backlog_age_seconds{queue_name="workflow"} 2.5');
  });

  it('shows no backlog while it cannot be read, in place of the last that was', async () => {
    const { metrics, get } = await serve();
    const known = new Map([['workflow', { waitingCount: 7, ageMs: 2_500 }]]);
    let read: () => Promise<typeof known> = () => Promise.resolve(known);
    showBacklogs(metrics, () => read());
    const shown = async () =>
      (await (await get('/metrics')).text()).split('\n').filter((line) => /^[a-z_]+(depth|backlog)[a-z_]*\{/.test(line));
    const figures = [
      'argo_workflows_queue_depth_gauge{queue_name="workflow"} 7',
      'argosy_queue_backlog_age_seconds{queue_name="workflow"} 2.5',
    ];
    expect((await shown()).sort()).toEqual(figures);
    read = () => Promise.reject(new Error('redis is away'));
    expect(await shown()).toEqual([]);
    read = () => Promise.resolve(known);
    expect((await shown()).sort()).toEqual(figures);
    let answer: (found: typeof known) => void = () => undefined;
    read = () => new Promise((resolve) => (answer = resolve));
    expect(await shown()).toEqual([]);
    answer(new Map());
    read = () => Promise.resolve(known);
    expect((await shown()).sort()).toEqual(figures);
  });

  it('answers 404 to everything else', async () => {
    const { get } = await serve();
    expect((await get('/debug')).status).toBe(404);
  });
});

describe('Metrics', () => {
  it('gives two services of one process the same instrument', async () => {
    const metrics = new Metrics();
    argoMetrics(metrics).errors.add(1, { cause: 'x' });
    argoMetrics(metrics).errors.add(1, { cause: 'x' });
    expect(await metrics.text()).toContain('argo_workflows_error_count{cause="x"} 2');
  });
});
