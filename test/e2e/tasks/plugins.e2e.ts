import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifests, type KubernetesObject, type Workflow } from '#libs/workflow-spec';
import { EmbeddedPlace, NAMESPACE } from '../harness/embedded-place.js';
import { whyNoPlugin } from '../harness/example-plugin.js';

const WAIT_MS = 60_000;
const EXAMPLES = path.join(import.meta.dirname, '../../../examples/executor-plugin');

let place: EmbeddedPlace;

beforeAll(async () => {
  place = await EmbeddedPlace.open({ name: 'plugins', runtime: 'sandbox' });
});
afterAll(() => place?.close());

const objectOf = (text: string): KubernetesObject => (parseManifests(text)[0]?.value ?? {}) as KubernetesObject;
const example = async (file: string): Promise<KubernetesObject> => objectOf(await readFile(path.join(EXAMPLES, file), 'utf8'));

const submit = async (workflow: KubernetesObject, name: string): Promise<Workflow> => {
  await place.api.create({ ...workflow, metadata: { name, namespace: NAMESPACE } } as unknown as Workflow);
  return place.ended(name, WAIT_MS);
};

describe('executor plugins', () => {
  it.skipIf(whyNoPlugin !== undefined)(
    `of a ConfigMap execute the templates that they know, for several workflows at once ${whyNoPlugin ?? ''}`,
    async () => {
      await place.client.send(
        'PUT',
        `/api/argosy/v1/resources/configmaps/${NAMESPACE}/hello-executor-plugin`,
        await example('hello-plugin.yaml'),
      );
      const workflow = await example('hello-workflow.yaml');
      const names = ['hello-1', 'hello-2', 'hello-3'];
      for (const found of await Promise.all(names.map((name) => submit(workflow, name)))) {
        const greet = Object.values(found.status?.nodes ?? {}).find(({ displayName }) => displayName === 'greet');
        expect([found.status?.phase, found.status?.message]).toEqual(['Succeeded', undefined]);
        expect(greet).toMatchObject({
          type: 'Plugin',
          phase: 'Succeeded',
          message: `Hello ${found.metadata.name ?? ''}!`,
          outputs: { parameters: [{ name: 'greeting', value: `Hello ${found.metadata.name ?? ''}` }] },
        });
      }
    },
  );

  it.skipIf(whyNoPlugin !== undefined)(`leave a template alone that none of them knows ${whyNoPlugin ?? ''}`, async () => {
    const workflow = objectOf('{ spec: { entrypoint: main, templates: [{ name: main, plugin: { goodbye: {} } }] } }');
    expect((await submit(workflow, 'goodbye')).status).toMatchObject({
      phase: 'Failed',
      message: 'no plugin executed the template',
    });
  });

  it('may come with the workflow, and are asked again until they are done', async () => {
    const workflow = objectOf(`
spec:
  entrypoint: main
  executorPlugins:
    - metadata: { name: slow-executor-plugin }
      spec:
        sidecar:
          container:
            name: slow
            image: python:alpine3.23
            command: [python3, -c]
            args:
              - |
                import json
                from http.server import BaseHTTPRequestHandler, HTTPServer
                calls = 0
                class Plugin(BaseHTTPRequestHandler):
                    def do_POST(self):
                        global calls
                        calls += 1
                        self.send_response(503 if calls == 1 else 200)
                        self.end_headers()
                        done = {"node": {"phase": "Failed", "message": "asked " + str(calls) + " times"}}
                        more = {"node": {"phase": "Running", "message": "wait", "progress": "1/2"}, "requeue": "50ms"}
                        self.wfile.write(json.dumps(done if calls > 3 else more).encode())
                HTTPServer(("", 4391), Plugin).serve_forever()
            ports: [{ containerPort: 4391 }]
  templates: [{ name: main, plugin: { slow: {} } }]`);
    expect((await submit(workflow, 'slow')).status).toMatchObject({ phase: 'Failed', message: 'asked 4 times' });
  });

  it('that end by themselves are an error of the nodes that asked them', async () => {
    const workflow = objectOf(`
spec:
  entrypoint: main
  executorPlugins:
    - metadata: { name: broken }
      spec: { sidecar: { container: { name: broken, image: busybox, command: [sh, -c, 'exit 3'], ports: [{ containerPort: 4392 }] } } }
  templates: [{ name: main, plugin: { broken: {} } }]`);
    expect((await submit(workflow, 'broken')).status).toMatchObject({
      phase: 'Error',
      message: 'agent pod failed with reason:"main: Error (exit code 3)"',
    });
  });
});
