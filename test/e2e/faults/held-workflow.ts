import type { Workflow } from '#libs/workflow-spec';
import { parse } from 'yaml';
import { waitAtGate } from '../harness/step-gate.js';

export interface HeldWorkflow {
  name: string;
  journalPort: number;
  /** The second step goes on once this gate is open. */
  gatePort: string;
  artifactGc?: 'OnWorkflowCompletion' | 'OnWorkflowDeletion';
}

/** Lines of the journal that one such workflow leaves: one for each step and one of its exit handler. */
export const STEPS_OF_HELD = ['first', 'held', 'last', 'exit'] as const;

/** Steps that tell the journal who they are: one that writes an artifact, one that is held, one that reads the artifact, one at exit. */
export const heldWorkflow = ({ name, journalPort, gatePort, artifactGc }: HeldWorkflow): Workflow => {
  const tell = (step: string): string =>
    `exec 4<>/dev/tcp/127.0.0.1/${journalPort} && echo "${name}/${step}" >&4 && read -r answer <&4 && [ "$answer" = ok ]`;
  return parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main
  onExit: exit
  ${artifactGc === undefined ? '' : `artifactGC: { strategy: ${artifactGc} }`}
  templates:
    - name: main
      steps:
        - [{ name: first, template: first }]
        - [{ name: held, template: held }]
        - - name: last
            template: last
            arguments: { artifacts: [{ name: text, from: "{{steps.first.outputs.artifacts.text}}" }] }
    - name: first
      container: { image: busybox, command: [bash, -c], args: ['${tell('first')} && echo kept > /tmp/text'] }
      outputs: { artifacts: [{ name: text, path: /tmp/text }] }
    - name: held
      container: { image: busybox, command: [bash, -c], args: ['${tell('held')} && ${waitAtGate(gatePort)}'] }
    - name: last
      inputs: { artifacts: [{ name: text, path: /tmp/text }] }
      container: { image: busybox, command: [bash, -c], args: ['${tell('last')} && [ "$(cat /tmp/text)" = kept ]'] }
    - name: exit
      container: { image: busybox, command: [bash, -c], args: ['${tell('exit')}'] }
`) as Workflow;
};
