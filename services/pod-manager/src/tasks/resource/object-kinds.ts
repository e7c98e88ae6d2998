import { API_VERSION } from '#libs/workflow-spec';

/** A kind of object that resource templates can act on without Kubernetes. */
export interface ObjectKind {
  kind: string;
  apiVersion: string;
  /** Lower case; the plural is this one with an `s`. */
  singular: string;
  shortNames: readonly string[];
  isNamespaced: boolean;
  /** Of Kubernetes' own API: the only ones that know the strategic merge. */
  isCore: boolean;
}

const own = (kind: string, shortNames: readonly string[], isNamespaced = true): ObjectKind => ({
  kind,
  apiVersion: API_VERSION,
  singular: kind.toLowerCase(),
  shortNames,
  isNamespaced,
  isCore: false,
});
const core = (kind: string, shortNames: readonly string[]): ObjectKind => ({
  kind,
  apiVersion: 'v1',
  singular: kind.toLowerCase(),
  shortNames,
  isNamespaced: true,
  isCore: true,
});

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

/** How messages of Kubernetes name the resource: `configmaps`, `workflows.argoproj.io`. */
export const resourceName = ({ singular, isCore }: ObjectKind): string => `${singular}s${isCore ? '' : '.argoproj.io'}`;

/** How kubectl names one object: `configmap/x`, `workflow.argoproj.io/x`. */
export const objectLabel = ({ singular, isCore }: ObjectKind, name: string): string =>
  `${singular}${isCore ? '' : '.argoproj.io'}/${name}`;

/** The kind that a word of a command line means: singular, plural, short name, with or without its group. */
export const kindOfWord = (word: string): ObjectKind | undefined => {
  const bare = word.toLowerCase().replace(/\.argoproj\.io$|\.v1alpha1\.argoproj\.io$/, '');
  return OBJECT_KINDS.find(
    ({ singular, shortNames }) => bare === singular || bare === `${singular}s` || shortNames.includes(bare),
  );
};

/** The kind of a manifest; undefined where only Kubernetes has it. */
export const kindOfManifest = (apiVersion: string, kind: string): ObjectKind | undefined =>
  OBJECT_KINDS.find((known) => known.kind === kind && known.apiVersion === apiVersion);
