import type { JsonValue, WorkflowStatus } from '#libs/workflow-spec';
import { factId, type ArtifactRepository, type FactValue } from '../contract.js';
import type { Pass } from '../pass.js';

const FROZEN = 'repository';

type RepositoryFact = Extract<FactValue, { kind: 'repository' }>;

/** The repository that the workflow got when it began; null: none. Workflows that began before it was kept use the configured one. */
export const workflowRepository = ({ state, config }: Pass): ArtifactRepository | null => {
  const frozen = state.header.internal[FROZEN];
  return frozen === undefined ? config.artifactRepository : (frozen as unknown as ArtifactRepository | null);
};

/** As Argo writes it into the status: the format of keys inside the driver's block, `archiveLogs` beside it. */
const publicForm = ({ location, keyFormat, archiveLogs }: ArtifactRepository): { [key: string]: JsonValue } => ({
  ...(archiveLogs === undefined ? {} : { archiveLogs }),
  ...Object.fromEntries(
    Object.entries(location).map(([driver, block]) => [
      driver,
      { ...(block as { [field: string]: JsonValue }), ...(keyFormat === undefined ? {} : { keyFormat }) },
    ]),
  ),
});

const freeze = (pass: Pass, reference: WorkflowStatus['artifactRepositoryRef'], repository: ArtifactRepository | null): void => {
  const artifactRepository = repository === null ? {} : publicForm(repository);
  pass.state.changeHeader((header) => {
    header.status = { ...header.status, artifactRepositoryRef: { ...reference, artifactRepository } };
    header.internal = { ...header.internal, [FROZEN]: repository as unknown as JsonValue };
  });
};

/**
 * Takes the workflow's repository at its beginning, as Argo does: by `artifactRepositoryRef`, else the default of the ConfigMap
 * `artifact-repositories` of its namespace, else the controller's; later changes do not reach it. `missing`: to be asked again with the fact;
 * a text: why there is none, which ends the workflow.
 */
export const takeRepository = (pass: Pass): 'taken' | 'missing' | { problem: string } => {
  const { state, config, input } = pass;
  if (state.header.internal[FROZEN] !== undefined) return 'taken';
  const written = state.spec.artifactRepositoryRef;
  const key = { kind: 'artifactRepository', namespace: state.namespace, ...written } as const;
  const fact = input.facts.get(factId(key)) as RepositoryFact | null | undefined;
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    return 'missing';
  }
  if (fact !== null && 'problem' in fact) return { problem: fact.problem };
  if (fact !== null) freeze(pass, fact.reference, fact.repository);
  else if (written === undefined) freeze(pass, { default: true }, config.artifactRepository);
  else {
    const name = `${written.configMap ?? 'artifact-repositories'}#${written.key ?? ''}`;
    return { problem: `failed to get artifact repository: artifact repository ref "${name}" not found` };
  }
  return 'taken';
};
