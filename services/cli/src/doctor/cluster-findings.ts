import type { KubernetesApi } from '#libs/kubernetes';
import { API_VERSION, NotFoundError, TransientError, UserError } from '#libs/workflow-spec';
import type { Finding } from './finding.js';

/** Definitions that workflows need, by the plural of their kind. */
const DEFINITIONS = ['workflows', 'workflowtemplates', 'clusterworkflowtemplates', 'cronworkflows', 'workfloweventbindings'];
const [GROUP] = API_VERSION.split('/');

/** Rights without which no step of a workflow runs on a cluster. */
interface Right {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
}
const RIGHTS: readonly Right[] = [
  ...['create', 'get', 'list', 'watch', 'patch', 'delete'].map((verb) => ({ verb, resource: 'pods' })),
  { verb: 'get', resource: 'pods', subresource: 'log' },
  ...['get', 'list', 'watch', 'patch', 'update'].map((verb) => ({ verb, group: GROUP ?? '', resource: 'workflows' })),
  ...['get', 'list', 'watch'].map((verb) => ({ verb, resource: 'configmaps' })),
  // Resource templates act as the accounts of their workflows.
  ...['get', 'impersonate'].map((verb) => ({ verb, resource: 'serviceaccounts' })),
];
/** Those that are needed besides where a kind has its status as a part of its own. */
const STATUS_RIGHTS: Readonly<Record<string, Right>> = {
  [`workflows.${GROUP ?? ''}`]: { verb: 'patch', group: GROUP ?? '', resource: 'workflows', subresource: 'status' },
  [`cronworkflows.${GROUP ?? ''}`]: { verb: 'update', group: GROUP ?? '', resource: 'cronworkflows', subresource: 'status' },
};

type Asked = Pick<KubernetesApi, 'get' | 'create'>;

/** The cluster as the given credential sees it: whether it answers, has the definitions, and lets pods be made in `namespace`. */
export const clusterFindings = async (api: Asked, namespace: string): Promise<Finding[]> => {
  try {
    const definitions = await definitionsOf(api);
    const refused = await refusedRights(api, namespace, [
      ...RIGHTS,
      ...definitions.parted.flatMap((name) => STATUS_RIGHTS[name] ?? []),
    ]);
    return [
      { name: 'cluster', state: 'ok', message: 'answers' },
      definitionsFinding(definitions),
      refused.length === 0
        ? { name: 'rights', state: 'ok', message: `this credential may run workflows in ${namespace}` }
        : {
            name: 'rights',
            state: 'warning',
            message: `this credential may not, in ${namespace}: ${refused.join(', ')}`,
            advice: 'programs have accounts of their own: ask with the credential of one, or apply the roles of k8s/',
          },
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
  spec?: { versions?: { name: string; subresources?: { status?: object } }[] };
}

interface Definitions {
  missing: string[];
  /** Those whose status is a part of its own, and is written by itself. */
  parted: string[];
}

const definitionsOf = async (api: Asked): Promise<Definitions> => {
  const found: Definitions = { missing: [], parted: [] };
  for (const plural of DEFINITIONS) {
    const name = `${plural}.${GROUP}`;
    try {
      const address = { apiVersion: 'apiextensions.k8s.io/v1', plural: 'customresourcedefinitions', name };
      const { spec } = await api.get<Definition>(address);
      if (spec?.versions?.some(({ subresources }) => subresources?.status !== undefined)) found.parted.push(name);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      found.missing.push(name);
    }
  }
  return found;
};

const definitionsFinding = ({ missing, parted }: Definitions): Finding => {
  const name = 'definitions';
  const advice = 'kubectl apply --server-side --force-conflicts --kustomize k8s/crds';
  if (missing.length > 0) return { name, state: 'failed', message: `missing: ${missing.join(', ')}`, advice };
  const there = `of all kinds of ${GROUP} are there`;
  const written = `the status of ${parted.join(', ')} is a subresource, which Argo's definitions have not, and is written by itself`;
  return { name, state: 'ok', message: parted.length > 0 ? `${there}; ${written}` : there };
};

const refusedRights = async (api: Asked, namespace: string, rights: readonly Right[]): Promise<string[]> => {
  const refused: string[] = [];
  for (const { verb, group = '', resource, subresource } of rights) {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace, verb, group, resource, ...(subresource ? { subresource } : {}) } },
    };
    const address = { apiVersion: review.apiVersion, plural: 'selfsubjectaccessreviews' };
    const { status } = await api.create<{ status: { allowed: boolean } }>(address, review);
    if (!status.allowed) refused.push(`${verb} ${subresource ? `${resource}/${subresource}` : resource}`);
  }
  return refused;
};
