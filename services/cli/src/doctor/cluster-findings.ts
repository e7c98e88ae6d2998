import type { KubernetesApi } from '#libs/kubernetes';
import { API_VERSION, NotFoundError, TransientError, UserError } from '#libs/workflow-spec';
import type { Finding } from './finding.js';

/** Definitions that workflows need, by the plural of their kind. */
const DEFINITIONS = ['workflows', 'workflowtemplates', 'clusterworkflowtemplates', 'cronworkflows', 'workfloweventbindings'];
const [GROUP] = API_VERSION.split('/');

/** Rights without which no step of a workflow runs on a cluster. */
const RIGHTS: readonly { verb: string; group?: string; resource: string; subresource?: string }[] = [
  ...['create', 'get', 'list', 'watch', 'patch', 'delete'].map((verb) => ({ verb, resource: 'pods' })),
  { verb: 'get', resource: 'pods', subresource: 'log' },
  ...['get', 'list', 'watch', 'patch', 'update'].map((verb) => ({ verb, group: GROUP ?? '', resource: 'workflows' })),
  ...['get', 'list', 'watch'].map((verb) => ({ verb, resource: 'configmaps' })),
  // Resource templates act as the accounts of their workflows.
  ...['get', 'impersonate'].map((verb) => ({ verb, resource: 'serviceaccounts' })),
];

type Asked = Pick<KubernetesApi, 'get' | 'create'>;

/** The cluster as the given credential sees it: whether it answers, has the definitions, and lets pods be made in `namespace`. */
export const clusterFindings = async (api: Asked, namespace: string): Promise<Finding[]> => {
  try {
    const missing = await missingDefinitions(api);
    const refused = await refusedRights(api, namespace);
    return [
      { name: 'cluster', state: 'ok', message: 'answers' },
      missing.length === 0
        ? { name: 'definitions', state: 'ok', message: `of all kinds of ${GROUP} are there` }
        : {
            name: 'definitions',
            state: 'failed',
            message: `missing: ${missing.join(', ')}`,
            advice: 'kubectl apply --server-side --kustomize k8s/crds',
          },
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

const missingDefinitions = async (api: Asked): Promise<string[]> => {
  const missing: string[] = [];
  for (const plural of DEFINITIONS) {
    const name = `${plural}.${GROUP}`;
    try {
      await api.get({ apiVersion: 'apiextensions.k8s.io/v1', plural: 'customresourcedefinitions', name });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      missing.push(name);
    }
  }
  return missing;
};

const refusedRights = async (api: Asked, namespace: string): Promise<string[]> => {
  const refused: string[] = [];
  for (const { verb, group = '', resource, subresource } of RIGHTS) {
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
