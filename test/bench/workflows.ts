import type { Workflow } from '#libs/workflow-spec';

const workflow = (generateName: string, spec: Workflow['spec']): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { generateName },
  spec,
});

/** What the simulated runtime plays: ends at once, successfully. */
const simulated = { image: 'sim', command: ['sim'], args: ['exit=0'] };

export const oneStep = (): Workflow =>
  workflow('one-', { entrypoint: 'main', templates: [{ name: 'main', container: simulated }] });

export const sequentialSteps = (count: number): Workflow =>
  workflow('sequential-', {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: Array.from({ length: count }, (_, index) => [{ name: `step-${index}`, template: 'leaf' }]) },
      { name: 'leaf', container: { image: 'any', command: ['true'] } },
    ],
  });

export const wide = (count: number): Workflow =>
  workflow('wide-', {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[{ name: 'each', template: 'leaf', withSequence: { count: String(count) } }]] },
      { name: 'leaf', container: simulated },
    ],
  });

/** Submits one workflow; gives its name. */
export const submit = async (url: string, submitted: Workflow): Promise<string> => {
  const response = await fetch(`${url}/api/v1/workflows/default`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workflow: submitted }),
  });
  if (!response.ok) throw new Error(`submit: ${response.status} ${await response.text()}`);
  const created = (await response.json()) as { metadata: { name: string } };
  return created.metadata.name;
};

export const phaseOf = async (url: string, name: string): Promise<string> => {
  const response = await fetch(`${url}/api/v1/workflows/default/${name}?fields=status.phase`);
  const { status } = (await response.json()) as { status?: { phase?: string } };
  return status?.phase ?? '';
};
