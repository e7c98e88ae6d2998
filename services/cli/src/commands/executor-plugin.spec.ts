import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseManifests, type KubernetesObject } from '#libs/workflow-spec';
import { createProgram } from '../program.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'argosy-plugin-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const build = async (): Promise<KubernetesObject> => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await createProgram().parseAsync(['executor-plugin', 'build', folder], { from: 'user' });
  const text = await readFile(path.join(folder, 'hello-executor-plugin-configmap.yaml'), 'utf8');
  return parseManifests(text)[0]?.value as KubernetesObject;
};

const PLUGIN = `
apiVersion: argoproj.io/v1alpha1
kind: ExecutorPlugin
metadata: { name: hello }
spec:
  sidecar:
    container: { name: hello, image: python, command: [python3, -c], ports: [{ containerPort: 4355 }] }
`;

it('makes the ConfigMap of a plugin, with its program as the last word of the command', async () => {
  await writeFile(path.join(folder, 'plugin.yaml'), PLUGIN);
  await writeFile(path.join(folder, 'server.py'), 'print("a\\tb")\nprint(2)\n');
  const configMap = await build();
  expect(configMap).toMatchObject({
    kind: 'ConfigMap',
    metadata: { name: 'hello-executor-plugin', labels: { 'workflows.argoproj.io/configmap-type': 'ExecutorPlugin' } },
  });
  const data = configMap['data'] as Record<string, string>;
  expect(data['sidecar.automountServiceAccountToken']).toBe('false');
  expect(parseManifests(data['sidecar.container'] ?? '')[0]?.value).toEqual({
    name: 'hello',
    image: 'python',
    command: ['python3', '-c'],
    ports: [{ containerPort: 4355 }],
    args: ['print("a\\tb")\nprint(2)\n'],
  });
});

it('refuses a folder that holds no plugin, or two programs', async () => {
  await expect(build()).rejects.toThrow('has no plugin.yaml');
  await writeFile(path.join(folder, 'plugin.yaml'), 'kind: ConfigMap');
  await expect(build()).rejects.toThrow('plugin.yaml is no ExecutorPlugin');
  await writeFile(path.join(folder, 'plugin.yaml'), PLUGIN);
  for (const name of ['server.py', 'server.js']) await writeFile(path.join(folder, name), '');
  await expect(build()).rejects.toThrow('more than one program');
});
