import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomWorkflow, runSimulated } from '#libs/testing';
import { isFinishedWorkflowPhase, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';

const leaf = (name: string): NonNullable<WorkflowSpec['templates']>[number] => ({
  name,
  container: { image: 'sim', command: ['sim'], args: ['ms=100'] },
});

const chain = (template: string, steps: string[], more: Partial<WorkflowSpec> = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'edited', namespace: 'argo', uid: 'u' },
  spec: {
    entrypoint: 'main',
    templates: [{ name: 'main', steps: steps.map((name) => [{ name, template }]) }, leaf('old'), leaf('new')],
    ...more,
  },
});

const edit = (atMs: number, { spec }: Workflow) => ({
  requests: [{ atMs, request: { type: 'edit' as const, spec, digest: 'd' } }],
});
const templatesOf = (workflow: Workflow): Record<string, unknown> =>
  Object.fromEntries(
    Object.values(workflow.status?.nodes ?? {})
      .filter(({ type }) => type === 'Pod')
      .map((node) => [node.displayName ?? '', node.templateName]),
  );

describe('a changed spec of a running workflow', () => {
  it('is what begins from then on, and nothing else', () => {
    const { workflow } = runSimulated(chain('old', ['a', 'b']), edit(50, chain('new', ['a', 'b', 'c'])));
    expect(workflow.status?.phase).toBe('Succeeded');
    expect(templatesOf(workflow)).toEqual({ a: 'old', b: 'new', c: 'new' });
    expect(workflow.spec.templates?.[0]?.steps).toHaveLength(3);
    expect(workflow.metadata.annotations?.['argosy.dev/spec-digest']).toBe('d');
  });

  it('is the same after a loss of memory', () => {
    const { workflow } = runSimulated(chain('old', ['a', 'b']), { ...edit(50, chain('new', ['a', 'b'])), forgetful: true });
    expect(templatesOf(workflow)).toEqual({ a: 'old', b: 'new' });
  });

  it('moves the deadline, which counts from the start', () => {
    const long = chain('old', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']);
    const limited = { ...long, spec: { ...long.spec, activeDeadlineSeconds: 1 } };
    expect(runSimulated(long, edit(50, limited)).workflow.status?.phase).toBe('Failed');
    expect(runSimulated(limited, edit(50, long)).workflow.status?.phase).toBe('Succeeded');
  });

  it('cannot name a WorkflowTemplate, and is nothing to a workflow that names one', () => {
    const refused = runSimulated(chain('old', ['a', 'b']), edit(50, chain('new', ['a'], { workflowTemplateRef: { name: 't' } })));
    expect(templatesOf(refused.workflow)).toEqual({ a: 'old', b: 'old' });
  });

  it('leaves no workflow that never ends, whatever has become of its templates', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        randomWorkflow(),
        randomWorkflow(),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 1e6 }),
        (workflow, other, atMs, seed) => {
          // A volume that only the other workflow has is in neither.
          fc.pre((workflow.spec.volumeClaimTemplates === undefined) === (other.spec.volumeClaimTemplates === undefined));
          const spec = { ...workflow.spec, templates: other.spec.templates ?? [] };
          const run = runSimulated(workflow, { seed, requests: [{ atMs, request: { type: 'edit', spec, digest: 'd' } }] });
          expect(isFinishedWorkflowPhase(run.workflow.status?.phase)).toBe(true);
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
