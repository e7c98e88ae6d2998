import type { Workflow } from '#libs/workflow-spec';
import { parse } from 'yaml';

/** Where the steps of a workflow leave their mark. */
export interface JournalPlace {
  address: string;
  port: number;
}

/** Every attempt of a step tells the journal the name of its pod, and goes on once that is written down. */
const tellOf = ({ address, port }: JournalPlace): string =>
  `[ "$(echo "{{pod.name}}" | nc -w 20 ${address} ${port})" = ok ] || exit 99`;

/** A busybox that runs this script. Lines are those of a block of YAML. */
const shell = (lines: readonly string[]): string =>
  `{ image: busybox, command: [sh, -c], args: [${JSON.stringify(lines.join('\n'))}] }`;

const templates = (tell: string): string => `
    - name: step
      inputs: { parameters: [{ name: seconds, value: "0" }] }
      container: ${shell([tell, 'sleep {{inputs.parameters.seconds}}'])}
    - name: flaky
      inputs: { parameters: [{ name: failures, value: "1" }] }
      retryStrategy: { limit: 2 }
      container: ${shell([tell, '[ {{retries}} -ge {{inputs.parameters.failures}} ] || exit 7'])}
    - name: stubborn
      inputs: { parameters: [{ name: first }, { name: later, value: "0" }] }
      retryStrategy: { limit: 4, retryPolicy: Always }
      container: ${shell([tell, "trap 'exit 1' TERM; seconds={{inputs.parameters.first}}; [ {{retries}} = 0 ] || seconds={{inputs.parameters.later}}; sleep $seconds & wait $!"])}
    - name: captured
      retryStrategy: { limit: 4, retryPolicy: Always }
      container: ${shell([tell, 'echo kept > /tmp/text'])}
      outputs: { parameters: [{ name: text, valueFrom: { path: /tmp/text } }] }
    - name: list
      script: { image: busybox, command: [sh], source: ${JSON.stringify(`${tell}\necho '["a", "b", "c"]'`)} }
    - name: make
      container: ${shell([tell, 'echo 7 > /tmp/seven; echo six'])}
      outputs: { parameters: [{ name: seven, valueFrom: { path: /tmp/seven } }] }
    - name: join
      inputs: { parameters: [{ name: left }, { name: right }] }
      container: ${shell([tell, 'echo "{{inputs.parameters.left}}+{{inputs.parameters.right}}" | tee /tmp/joined'])}
      outputs: { parameters: [{ name: joined, valueFrom: { path: /tmp/joined }, globalName: joined }] }
    - name: serve
      daemon: true
      container:
        image: busybox
        command: [sh, -c]
        args: [${JSON.stringify([tell, 'mkdir /www && echo served > /www/index.html && exec httpd -f -p 8080 -h /www'].join('\n'))}]
        readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
    - name: fetch
      inputs: { parameters: [{ name: ip }] }
      sidecars:
        - { name: beside, image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.2; done"] }
      container: ${shell([tell, 'wget -qO- http://{{inputs.parameters.ip}}:8080/'])}
    - name: pause
      suspend: { duration: "2" }
    - name: write
      container: ${shell([tell, 'echo kept > /tmp/text'])}
      outputs: { artifacts: [{ name: text, path: /tmp/text }] }
    - name: read
      inputs: { artifacts: [{ name: text, path: /tmp/text }] }
      container: ${shell([tell, '[ "$(cat /tmp/text)" = kept ]'])}
`;

/** The entry templates, by shape. */
const SHAPES = {
  quick: `
    - name: main
      steps: [[{ name: only, template: step }]]`,
  chain: `
    - name: main
      steps:
        - [{ name: s0, template: step }]
        - [{ name: s1, template: step, arguments: { parameters: [{ name: seconds, value: "2" }] } }]
        - [{ name: s2, template: step }]
        - [{ name: s3, template: step }]`,
  'fan-out': `
    - name: main
      steps:
        - [{ name: list, template: list }]
        - [{ name: each, template: flaky, withParam: "{{steps.list.outputs.result}}" }]
        - [{ name: after, template: step }]`,
  outputs: `
    - name: main
      dag:
        tasks:
          - { name: make, template: make }
          - name: joined
            template: join
            depends: make
            arguments: { parameters: [{ name: left, value: "{{tasks.make.outputs.result}}" }, { name: right, value: "{{tasks.make.outputs.parameters.seven}}" }] }
          - name: again
            template: join
            depends: joined
            arguments: { parameters: [{ name: left, value: "{{tasks.joined.outputs.parameters.joined}}" }, { name: right, value: "8" }] }`,
  exhausted: `
    - name: main
      dag:
        failFast: false
        tasks:
          - { name: fails, template: flaky, arguments: { parameters: [{ name: failures, value: "99" }] } }
          - { name: beside, template: step, arguments: { parameters: [{ name: seconds, value: "3" }] } }
          - { name: never, template: step, depends: fails }`,
  daemon: `
    - name: main
      steps:
        - [{ name: server, template: serve }]
        - [{ name: pause, template: pause }]
        - [{ name: fetch, template: fetch, arguments: { parameters: [{ name: ip, value: "{{steps.server.ip}}" }] } }]`,
  artifacts: `
    - name: main
      dag:
        tasks:
          - { name: write, template: write }
          - { name: left, template: read, depends: write, arguments: { artifacts: [{ name: text, from: "{{tasks.write.outputs.artifacts.text}}" }] } }
          - { name: right, template: read, depends: write, arguments: { artifacts: [{ name: text, from: "{{tasks.write.outputs.artifacts.text}}" }] } }`,
  burst: `
    - name: main
      dag:
        tasks:
          - { name: lean, template: stubborn, withItems: [1, 2, 3, 4, 5], arguments: { parameters: [{ name: first, value: "0" }] } }
          - { name: captured, template: captured, withItems: [1, 2, 3, 4, 5] }`,
  evicted: `
    - name: main
      steps:
        - [{ name: long, template: stubborn, withItems: [1, 2, 3], arguments: { parameters: [{ name: first, value: "600" }] } }]
        - [{ name: after, template: stubborn, arguments: { parameters: [{ name: first, value: "0" }] } }]`,
  deleted: `
    - name: main
      steps: [[{ name: long, template: step, arguments: { parameters: [{ name: seconds, value: "600" }] } }]]`,
} as const;
export type Shape = keyof typeof SHAPES;

/** Those whose attempts may be cut off, and are followed by others. */
export const SHAPES_CUT_OFF: readonly Shape[] = ['burst', 'evicted', 'deleted'];

/** Those whose pods go as soon as they have ended. */
export const SHAPES_WITHOUT_PODS: readonly Shape[] = ['fan-out', 'outputs', 'artifacts', 'quick'];

/** Those that end by themselves, whatever becomes of the programs; `artifacts` needs an object store. */
export const SHAPES_BY_THEMSELVES = ['chain', 'fan-out', 'outputs', 'exhausted', 'daemon', 'quick', 'artifacts'] as const;

/** A workflow of a shape, ready to be submitted. */
export function clusterWorkflow(shape: Shape, name: string, place: JournalPlace): Workflow {
  const onExit = shape === 'exhausted' || shape === 'chain' ? '\n  onExit: step' : '';
  const podGc = SHAPES_WITHOUT_PODS.includes(shape) ? '\n  podGC: { strategy: OnPodCompletion }' : '';
  const artifactGc = shape === 'artifacts' ? '\n  artifactGC: { strategy: OnWorkflowCompletion }' : '';
  return parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main${onExit}${podGc}${artifactGc}
  templates:${SHAPES[shape]}${templates(tellOf(place))}`) as Workflow;
}
