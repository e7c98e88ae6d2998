import { API_VERSION } from '#libs/workflow-spec';
import { KubectlError } from './kubectl-error.js';

/** A kind of object that resource templates act on. */
export interface ObjectKind {
  kind: string;
  apiVersion: string;
  /** '' for Kubernetes' core. */
  group: string;
  plural: string;
  /** Lower case. */
  singular: string;
  shortNames: readonly string[];
  isNamespaced: boolean;
}

/** Finds kinds. Throws KubectlError in the words of kubectl where there is none. */
export interface KindSource {
  /** By a word of a command line: singular, plural or short name, perhaps with its group. */
  ofWord(word: string): Promise<ObjectKind>;
  ofManifest(apiVersion: string, kind: string): Promise<ObjectKind>;
}

const kindOf = (apiVersion: string, group: string, kind: string): Omit<ObjectKind, 'shortNames' | 'isNamespaced'> => ({
  ...{ apiVersion, group, kind },
  singular: kind.toLowerCase(),
  plural: `${kind.toLowerCase()}s`,
});
const own = (kind: string, shortNames: readonly string[], isNamespaced = true): ObjectKind => ({
  ...kindOf(API_VERSION, 'argoproj.io', kind),
  ...{ shortNames, isNamespaced },
});
const core = (kind: string, shortNames: readonly string[]): ObjectKind => ({
  ...kindOf('v1', '', kind),
  ...{ shortNames, isNamespaced: true },
});

/** The kinds that are kept here where there is no cluster. */
export const OBJECT_KINDS: readonly ObjectKind[] = [
  core('ConfigMap', ['cm']),
  core('Secret', []),
  core('Pod', ['po']),
  own('Workflow', ['wf']),
  own('WorkflowTemplate', ['wftmpl']),
  own('ClusterWorkflowTemplate', ['clusterwftmpl', 'cwft'], false),
  own('CronWorkflow', ['cwf', 'cronwf']),
  own('WorkflowEventBinding', ['wfeb']),
];

const suffixOf = ({ group }: ObjectKind): string => (group === '' ? '' : `.${group}`);

/** How messages of Kubernetes name the resource: `configmaps`, `workflows.argoproj.io`. */
export const resourceName = (kind: ObjectKind): string => `${kind.plural}${suffixOf(kind)}`;

/** How kubectl names one object: `configmap/x`, `workflow.argoproj.io/x`. */
export const objectLabel = (kind: ObjectKind, name: string): string => `${kind.singular}${suffixOf(kind)}/${name}`;

const NO_CLUSTER = 'need Kubernetes, and there is none here';

/** The kind that a word means among those that are kept here: singular, plural, short name, with or without its group. */
export const kindOfWord = (word: string): ObjectKind | undefined => {
  const bare = word.toLowerCase().replace(/\.argoproj\.io$|\.v1alpha1\.argoproj\.io$/, '');
  return OBJECT_KINDS.find(
    ({ singular, plural, shortNames }) => bare === singular || bare === plural || shortNames.includes(bare),
  );
};

/** The kinds that are kept here. */
export const keptKinds: KindSource = {
  ofWord: async (word) => {
    const known = kindOfWord(word);
    if (known !== undefined) return known;
    throw new KubectlError(
      `error: the server doesn't have a resource type ${JSON.stringify(word)}: objects of other kinds ${NO_CLUSTER}`,
    );
  },
  ofManifest: async (apiVersion, kind) => {
    const known = OBJECT_KINDS.find((kept) => kept.kind === kind && kept.apiVersion === apiVersion);
    if (known !== undefined) return known;
    throw new KubectlError(
      `error: no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}: objects of this kind ${NO_CLUSTER}`,
    );
  },
};
