import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitAtGate } from '../harness/step-gate.js';

const API = 'apiVersion: argoproj.io/v1alpha1';

/** Files that a person might write, for the commands of the tests. */
export const FILES: Readonly<Record<string, string>> = {
  'greet.yaml': `${API}
kind: Workflow
metadata: { name: greet, labels: { team: red } }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: who, value: nobody }, { name: mark, value: '.' }] }
  templates:
    - name: main
      container: { image: busybox, command: [echo], args: ['hello {{workflow.parameters.who}}{{workflow.parameters.mark}}'] }
`,
  'two.yaml': ['one', 'two']
    .map(
      (name) => `${API}
kind: Workflow
metadata: { name: pair-${name} }
spec:
  entrypoint: main
  templates: [{ name: main, container: { image: busybox, command: ['true'] } }]
`,
    )
    .join('---\n'),
  'fails.yaml': `${API}
kind: Workflow
metadata: { name: fails }
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{ name: fine, template: fine }], [{ name: broken, template: broken }]]
    - name: fine
      container: { image: busybox, command: ['true'] }
    - name: broken
      container: { image: busybox, command: ['false'] }
`,
  'asks.yaml': `${API}
kind: Workflow
metadata: { generateName: asks- }
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{ name: approve, template: approve }], [{ name: after, template: after, arguments: { parameters: [{ name: answer, value: '{{steps.approve.outputs.parameters.answer}}' }] } }]]
    - name: approve
      suspend: {}
      outputs: { parameters: [{ name: answer, valueFrom: { supplied: {}, default: none } }] }
    - name: after
      inputs: { parameters: [{ name: answer }] }
      container: { image: busybox, command: [echo], args: ['answer {{inputs.parameters.answer}}'] }
`,
  'slow.yaml': `${API}
kind: Workflow
metadata: { generateName: slow- }
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{ name: tick, template: tick }], [{ name: tock, template: tick }]]
    - name: tick
      container: { image: busybox, command: [sh, -c], args: ['echo begun; sleep 3; echo ended'] }
`,
  'paced.yaml': `${API}
kind: Workflow
metadata: { generateName: paced- }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: port }] }
  templates:
    - name: main
      steps: [[{ name: first, template: held }], [{ name: second, template: held }]]
    - name: held
      container: { image: busybox, command: [bash, -c], args: ['${waitAtGate('{{workflow.parameters.port}}')}'] }
`,
  'sleeps.yaml': `${API}
kind: Workflow
metadata: { generateName: sleeps- }
spec:
  entrypoint: main
  templates: [{ name: main, container: { image: busybox, command: [sleep, '300'] } }]
`,
  'template.yaml': `${API}
kind: WorkflowTemplate
metadata: { name: build }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: branch, value: main }] }
  templates: [{ name: main, container: { image: busybox, command: [echo], args: ['branch {{workflow.parameters.branch}}'] } }]
`,
  'cluster-template.yaml': `${API}
kind: ClusterWorkflowTemplate
metadata: { name: shared-build }
spec:
  entrypoint: main
  templates: [{ name: main, container: { image: busybox, command: [echo, shared] } }]
`,
  'cron.yaml': `${API}
kind: CronWorkflow
metadata: { name: nightly }
spec:
  schedules: ['0 3 1 1 *']
  timezone: Europe/Berlin
  workflowSpec:
    entrypoint: main
    templates: [{ name: main, container: { image: busybox, command: [echo, night] } }]
`,
  'refers.yaml': `${API}
kind: Workflow
metadata: { name: refers }
spec: { workflowTemplateRef: { name: build } }
`,
  'wrong.yaml': `${API}
kind: Workflow
metadata: { name: wrong }
spec: { entrypoint: nowhere, templates: [{ name: main, container: { image: busybox } }] }
`,
  'settings.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: blue }\n',
  'values.yaml': 'who: everybody\nmark: "!"\n',
};

export const writeFiles = (folder: string): Promise<void[]> =>
  Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(path.join(folder, name), text)));
