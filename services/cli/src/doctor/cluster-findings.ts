import type { KubernetesApi } from '#libs/kubernetes';
import { API_VERSION, NotFoundError, TransientError, UserError } from '#libs/workflow-spec';
import type { Finding } from './finding.js';
import { rightsFindings } from './rights-findings.js';

/** Definitions that workflows need, by the plural of their kind. */
const DEFINITIONS = ['workflows', 'workflowtemplates', 'clusterworkflowtemplates', 'cronworkflows', 'workfloweventbindings'];
const [GROUP, VERSION = ''] = API_VERSION.split('/');

export type Asked = Pick<KubernetesApi, 'get' | 'create'>;

export interface ClusterQuestion {
  /** Where workflows are to run. */
  namespace: string;
  /** Where the programs and their accounts are. */
  programs: string;
}

/** The cluster as the given credential sees it: whether it answers, has the definitions, and lets the programs run workflows in `namespace`. */
export const clusterFindings = async (api: Asked, question: ClusterQuestion): Promise<Finding[]> => {
  try {
    const definitions = await definitionsOf(api);
    return [
      { name: 'cluster', state: 'ok', message: 'answers' },
      definitionsFinding(definitions),
      ...(await rightsFindings(api, question, new Set(definitions.parted.map((name) => name.split('.')[0] ?? '')))),
    ];
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof TransientError)) throw error;
    return [
      { name: 'cluster', state: 'failed', message: error.message, advice: 'look at KUBECONFIG and at the credential in it' },
    ];
  }
};

/** What of a definition matters here. */
interface Definition {
  spec?: {
    versions?: { name: string; served?: boolean; subresources?: { status?: object }; schema?: { openAPIV3Schema?: Schema } }[];
  };
}
interface Schema {
  properties?: Record<string, Schema>;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Fields that definitions of older versions of Argo have not: the API server drops them from what is applied. */
const YOUNG_FIELDS: Readonly<Record<string, readonly string[]>> = {
  workflows: ['spec.synchronization.mutexes', 'spec.synchronization.semaphores'],
  cronworkflows: ['spec.schedules', 'spec.when', 'spec.stopStrategy'],
};

interface Definitions {
  missing: string[];
  /** Those of which `v1alpha1` is not served. */
  unserved: string[];
  /** Fields that are dropped. */
  dropped: string[];
  /** Those whose status is a part of its own, and is written by itself. */
  parted: string[];
}

const definitionsOf = async (api: Asked): Promise<Definitions> => {
  const found: Definitions = { missing: [], unserved: [], dropped: [], parted: [] };
  for (const plural of DEFINITIONS) {
    const name = `${plural}.${GROUP}`;
    try {
      const address = { apiVersion: 'apiextensions.k8s.io/v1', plural: 'customresourcedefinitions', name };
      const { spec } = await api.get<Definition>(address);
      const ours = spec?.versions?.find((version) => version.name === VERSION && version.served !== false);
      if (ours === undefined) found.unserved.push(name);
      if (ours?.subresources?.status !== undefined) found.parted.push(name);
      const isDropped = (field: string): boolean => drops(ours?.schema?.openAPIV3Schema, field.split('.'));
      found.dropped.push(...(YOUNG_FIELDS[plural] ?? []).filter(isDropped).map((field) => `${field} of ${plural}`));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      found.missing.push(name);
    }
  }
  return found;
};

/** Whether the API server drops a field: no part of the schema on its way keeps what it does not know. */
const drops = (schema: Schema | undefined, [field, ...rest]: readonly string[]): boolean => {
  if (schema === undefined || field === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true) return false;
  const inner = schema.properties?.[field];
  return inner === undefined || drops(inner, rest);
};

const definitionsFinding = ({ missing, unserved, dropped, parted }: Definitions): Finding => {
  const name = 'definitions';
  const advice = 'kubectl apply --server-side --force-conflicts --kustomize k8s/crds';
  if (missing.length > 0) return { name, state: 'failed', message: `missing: ${missing.join(', ')}`, advice };
  if (unserved.length > 0) return { name, state: 'failed', message: `not served as ${VERSION}: ${unserved.join(', ')}`, advice };
  if (dropped.length > 0) {
    const message = `those of an older Argo, by which the API server drops ${dropped.join(', ')}`;
    return { name, state: 'warning', message, advice };
  }
  const there = `of all kinds of ${GROUP} are there`;
  const written = `the status of ${parted.join(', ')} is a subresource, which Argo's definitions have not, and is written by itself`;
  return { name, state: 'ok', message: parted.length > 0 ? `${there}; ${written}` : there };
};
