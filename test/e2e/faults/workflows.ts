import type { Workflow } from '#libs/workflow-spec';
import { parse } from 'yaml';

/**
 * What runs while things break. Every step tells the journal who it is (its pod's name: one per attempt), then works for a moment;
 * `bash` has TCP built in, and pods share the network of the host.
 */
const tellOf = (journalPort: number): string =>
  `exec 3<>/dev/tcp/127.0.0.1/${journalPort} && echo "{{pod.name}}" >&3 && read -r answer <&3 && [ "$answer" = ok ] || exit 99`;

const templates = (tell: string): string => `
    - name: step
      inputs: { parameters: [{ name: seconds, value: "1" }, { name: exit, value: "0" }] }
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            sleep {{inputs.parameters.seconds}}
            exit {{inputs.parameters.exit}}
    - name: flaky
      inputs: { parameters: [{ name: seconds, value: "0.7" }, { name: failures, value: "2" }] }
      retryStrategy: { limit: 3, backoff: { duration: "1", factor: 1 } }
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            sleep {{inputs.parameters.seconds}}
            [ {{retries}} -ge {{inputs.parameters.failures}} ] || exit 7
    - name: list
      script:
        image: busybox
        command: [bash]
        source: |
          ${tell}
          echo '["a", "b", "c", "d", "e"]'
    - name: write
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            sleep 1; echo kept > /tmp/text
      outputs: { artifacts: [{ name: text, path: /tmp/text }] }
    - name: read
      inputs: { artifacts: [{ name: text, path: /tmp/text }] }
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            sleep 1; [ "$(cat /tmp/text)" = kept ]
`;

const CHAIN_LENGTH = 10;
const chainSteps = Array.from(
  { length: CHAIN_LENGTH },
  (_, index) =>
    `        - [{ name: s${index}, template: step, arguments: { parameters: [{ name: seconds, value: "${1 + (index % 3) / 2}" }] } }]`,
).join('\n');

/** The entry templates, by shape. */
const SHAPES = {
  quick: `
    - name: main
      steps:
        - [{ name: only, template: step, arguments: { parameters: [{ name: seconds, value: "0" }] } }]`,
  kept: `
    - name: main
      steps:
        - [{ name: only, template: write }]`,
  chain: `
    - name: main
      steps:
${chainSteps}`,
  'fan-out': `
    - name: main
      steps:
        - [{ name: list, template: list }]
        - - { name: each, template: step, withParam: "{{steps.list.outputs.result}}", arguments: { parameters: [{ name: seconds, value: "2" }] } }
        - [{ name: join, template: step }]
        - - { name: again, template: step, withSequence: { count: "4" } }`,
  retries: `
    - name: main
      dag:
        tasks:
          - { name: first, template: flaky }
          - { name: second, template: flaky, depends: first, arguments: { parameters: [{ name: failures, value: "1" }] } }
          - { name: last, template: step, depends: second }`,
  exhausted: `
    - name: main
      dag:
        failFast: false
        tasks:
          - { name: before, template: step }
          - { name: fails, template: flaky, depends: before, arguments: { parameters: [{ name: failures, value: "99" }] } }
          - { name: beside, template: step, depends: before, arguments: { parameters: [{ name: seconds, value: "3" }] } }
          - { name: never, template: step, depends: fails }`,
  artifacts: `
    - name: main
      dag:
        tasks:
          - { name: write, template: write }
          - { name: left, template: read, depends: write, arguments: { artifacts: [{ name: text, from: "{{tasks.write.outputs.artifacts.text}}" }] } }
          - { name: right, template: read, depends: write, arguments: { artifacts: [{ name: text, from: "{{tasks.write.outputs.artifacts.text}}" }] } }
          - { name: last, template: step, depends: "left && right" }`,
} as const;
export type Shape = keyof typeof SHAPES;
export const ALL_SHAPES = Object.keys(SHAPES) as Shape[];

/** A workflow of a shape, ready to be submitted. */
export function workflowOf(shape: Shape, name: string, journalPort: number): Workflow {
  const onExit = shape === 'exhausted' || shape === 'chain' ? '\n  onExit: step' : '';
  const artifactGc = shape === 'artifacts' || shape === 'kept' ? '\n  artifactGC: { strategy: OnWorkflowCompletion }' : '';
  return parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main${onExit}${artifactGc}
  templates:${SHAPES[shape]}${templates(tellOf(journalPort))}`) as Workflow;
}

interface NodeView {
  name: string;
  type: string;
  phase: string;
  message: string;
  result: string;
}

/** What must be the same whatever broke meanwhile: the phase and message of the workflow and of each node, and the results. */
export function outcomeOf(workflow: Workflow): { phase: string; message: string; nodes: NodeView[] } {
  const own = workflow.metadata.name ?? '';
  const neutral = (text: string | undefined): string => (text ?? '').replaceAll(own, 'NAME').replaceAll(/NAME-\d+/g, 'NODE');
  const nodes = Object.values(workflow.status?.nodes ?? {}).map((node) => ({
    name: neutral(node.name),
    type: node.type ?? '',
    phase: node.phase ?? '',
    message: neutral(node.message),
    result: String(node.outputs?.result ?? ''),
  }));
  nodes.sort((left, right) => (left.name < right.name ? -1 : 1));
  return { phase: workflow.status?.phase ?? '', message: neutral(workflow.status?.message), nodes };
}
