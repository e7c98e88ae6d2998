import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { Workflow } from '#libs/workflow-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Fleet, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { StepGate, waitAtGate } from '../harness/step-gate.js';
import { workflowOf } from './workflows.js';

const LIMIT_MS = 60_000;
const DISK_MIB = 64;

/** The data folder of the pods becomes a small disk; needs the right to mount. */
const mountDisk = (folder: string): boolean => {
  mkdirSync(folder, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=711`, 'tmpfs', folder]).status === 0;
};
const unmountDisk = (folder: string): void => {
  spawnSync('umount', ['-l', folder]);
};

const canMount = (): boolean => {
  const folder = path.join('/tmp', `argosy-disk-${process.pid}`);
  const mounted = mountDisk(folder);
  if (mounted) unmountDisk(folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
};

const reason = (await whyNot()) ?? (canMount() ? undefined : 'skipped: no right to mount a small disk');

describe.skipIf(reason !== undefined)(`a disk of the pods that is full${reason ? ` (${reason})` : ''}`, () => {
  let fleet: Fleet;
  let gate: StepGate;
  let disk: string;

  beforeAll(async () => {
    fleet = await Fleet.prepare();
    disk = path.join(fleet.folder, 'data');
    mountDisk(disk);
    gate = await StepGate.listen();
    await fleet.start();
  });
  afterAll(async () => {
    await gate?.close();
    await fleet?.tearDown(() => unmountDisk(disk));
  });

  const phaseOf = async (name: string): Promise<string> => (await fleet.api.get(name)).status?.phase ?? '';
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize;
  };

  /** Fills the disk, is held, and then ends as its last command says; its pod goes at its end. */
  const filler = (name: string, end: string): Workflow =>
    parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main
  podGC: { strategy: OnPodCompletion, deleteDelayDuration: 0s }
  templates:
    - name: main
      container:
        image: busybox
        command: [bash, -c]
        args: ['dd if=/dev/zero of=/tmp/fill bs=1M 2>/dev/null; ${waitAtGate(String(gate.port))}; ${end}']
`) as Workflow;

  it('lets pods wait and all else go on, and whoever filled it has the end of its own program', async () => {
    await fleet.api.create(filler('filler', 'echo more > /tmp/more'));
    await patiently(
      async () => freeBytes() === 0,
      () => 'the disk is full',
      LIMIT_MS,
    );
    await fleet.api.create(workflowOf('quick', 'waits', fleet.journal.port));
    await fleet.api.create(
      parse(`{ metadata: { name: without-pods }, spec: { entrypoint: main, templates: [
        { name: main, steps: [[{ name: pause, template: pause }]] }, { name: pause, suspend: { duration: "1" } }] } }`) as Workflow,
    );
    await patiently(
      async () => (await phaseOf('without-pods')) === 'Succeeded',
      () => 'a workflow without pods succeeds',
      LIMIT_MS,
    );
    await patiently(
      async () =>
        (await fleet.query("SELECT 1 FROM pods p JOIN workflows w ON w.uid = p.workflow WHERE w.name = 'waits'")).length > 0,
      () => 'a pod is wanted',
      LIMIT_MS,
    );
    expect(await phaseOf('waits')).toBe('Running');
    expect(fleet.journal.total).toBe(0);

    gate.open();
    await patiently(
      async () => (await phaseOf('waits')) === 'Succeeded',
      () => 'the pod runs once there is room',
      LIMIT_MS,
    );
    const { status } = await fleet.api.get('filler');
    expect([status?.phase, status?.message]).toEqual(['Failed', 'main: Error (exit code 1)']);
    expect([...fleet.journal.lines.values()]).toEqual([1]);
    expect(fleet.unexpectedEnds()).toEqual([]);
  });
});
