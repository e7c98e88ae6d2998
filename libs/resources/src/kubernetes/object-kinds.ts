import type { CollectionAddress, ObjectAddress } from '#libs/kubernetes';
import { API_VERSION, PermanentError } from '#libs/workflow-spec';
import type { ResourceKey } from '../contract.js';

interface KnownKind {
  apiVersion: string;
  plural: string;
  isClusterScoped?: boolean;
}

const own = (plural: string): KnownKind => ({ apiVersion: API_VERSION, plural });
const core = (plural: string): KnownKind => ({ apiVersion: 'v1', plural });

/** Kinds that programs ask for by name alone. */
const KINDS: Readonly<Record<string, KnownKind>> = {
  Workflow: own('workflows'),
  WorkflowTemplate: own('workflowtemplates'),
  ClusterWorkflowTemplate: { ...own('clusterworkflowtemplates'), isClusterScoped: true },
  CronWorkflow: own('cronworkflows'),
  WorkflowEventBinding: own('workfloweventbindings'),
  WorkflowTaskSet: own('workflowtasksets'),
  WorkflowTaskResult: own('workflowtaskresults'),
  WorkflowArtifactGCTask: own('workflowartifactgctasks'),
  ConfigMap: core('configmaps'),
  Secret: core('secrets'),
  ServiceAccount: core('serviceaccounts'),
  Pod: core('pods'),
  Event: core('events'),
  PersistentVolumeClaim: core('persistentvolumeclaims'),
};

const known = (kind: string): KnownKind => {
  const found = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (found === undefined) throw new PermanentError(`no address is known for objects of kind ${JSON.stringify(kind)}`);
  return found;
};

/** Whether objects of a kind belong to no namespace. */
export const isClusterScoped = (kind: string): boolean => known(kind).isClusterScoped === true;

/** Where the objects of a kind are; '' for all namespaces. Throws PermanentError for a kind that is none of ours. */
export const collectionOf = (kind: string, namespace: string): CollectionAddress => {
  const { apiVersion, plural, isClusterScoped: isFree } = known(kind);
  return { apiVersion, plural, ...(namespace === '' || isFree ? {} : { namespace }) };
};

/** Where one object is. */
export const addressOf = ({ kind, namespace, name }: ResourceKey): ObjectAddress => ({ ...collectionOf(kind, namespace), name });
