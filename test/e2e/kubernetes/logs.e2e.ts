import { createArtifactDrivers } from '#libs/artifacts';
import { eventually, missingPart } from '#libs/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { type ClusterStack, nodeOf, startClusterStack } from './cluster-stack.js';

const started = await startClusterStack('logs', { LOG_SEGMENT_SIZE: '64Ki', LOG_SEGMENT_INTERVAL: '500ms' });
const WAIT_MS = 60_000;

if ('skipped' in started || started.s3 === undefined) {
  const why = 'skipped' in started ? started.skipped : missingPart('versitygw');
  if (!('skipped' in started)) await started.stop();
  describe('logs of pods of a Kubernetes cluster', () => {
    it.skip(why, () => undefined);
  });
} else {
  const stack: ClusterStack = started;
  const s3 = started.s3;
  const drivers = createArtifactDrivers({
    clock: { nowMs: () => Date.now() },
    readSecret: async ({ key }) => (key === 'access' ? s3.accessKey : s3.secretKey),
  });
  afterAll(async () => {
    drivers.close();
    await stack.stop();
  });

  const secret = (key: string): { name: string; key: string } => ({ name: 'keys', key });
  const bucket = { endpoint: s3.endpoint, bucket: s3.bucket, insecure: true };
  const keysOf = async (name: string): Promise<string[]> => {
    const location = { s3: { ...bucket, key: name, accessKeySecret: secret('access'), secretKeySecret: secret('secret') } };
    const keys: string[] = [];
    for await (const { key } of drivers.driverFor(location, { namespace: stack.namespace }).list(location)) keys.push(key);
    return keys;
  };
  const linesOf = async (name: string): Promise<string[]> => {
    const lines: string[] = [];
    for await (const { content = '' } of stack.api.logs(name, {})) lines.push(content);
    return lines;
  };
  const submit = (script: string): Promise<string> =>
    stack.submit({
      entrypoint: 'main',
      archiveLogs: true,
      templates: [{ name: 'main', container: { image: 'busybox', command: ['sh', '-c', script] } }],
    });
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index + 1}`);
  const untilShipped = (name: string): Promise<void> =>
    eventually(
      async () => (await keysOf(name)).filter((key) => key.includes('main.log.segments/')).length >= 3,
      () => `segments of ${name} are in the bucket`,
      WAIT_MS,
    );
  const untilSettled = (name: string): Promise<void> =>
    eventually(
      async () => (await keysOf(name)).join() === `${name}/${name}/main.log`,
      () => `the bucket has what Argo would leave of ${name}`,
      WAIT_MS,
    );

  describe.concurrent('logs of pods of a Kubernetes cluster', () => {
    it('are there after the pod was killed and deleted without mercy, nothing doubled', async () => {
      const name = await submit('i=0; while true; do i=$((i+1)); echo line $i; usleep 20000; done');
      await untilShipped(name);
      const printed = (await linesOf(name)).length;
      const pods = ['-l', `workflows.argoproj.io/workflow=${name}`];
      await stack.cluster.kubectl([
        '-n',
        stack.namespace,
        'delete',
        'pod',
        ...pods,
        '--grace-period=0',
        '--force',
        '--wait=false',
      ]);
      const ended = await stack.reach(name);
      expect(ended.status?.phase).toBe('Error');
      await untilSettled(name);
      const kept = await linesOf(name);
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(printed, 50));
      expect(kept).toEqual(numbers(kept.length));
      expect(nodeOf(ended, name)?.outputs?.artifacts).toMatchObject([
        { name: 'main-logs', s3: { key: `${name}/${name}/main.log` } },
      ]);
    });

    it('are what the executor saves where the program ends by itself, and no segment is left', async () => {
      const name = await submit('i=0; while [ ! -e /tmp/end ]; do i=$((i+1)); echo line $i; usleep 20000; done; printf end');
      await untilShipped(name);
      await stack.cluster.kubectl(['-n', stack.namespace, 'exec', name, '-c', 'main', '--', 'touch', '/tmp/end']);
      const ended = await stack.reach(name);
      expect(ended.status?.phase).toBe('Succeeded');
      await untilSettled(name);
      const kept = await linesOf(name);
      expect(kept).toEqual([...numbers(kept.length - 1), 'end']);
    });
  });
}
