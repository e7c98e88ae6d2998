import { API_VERSION } from '#libs/workflow-spec';

/** One thing that a program asks of the API of its cluster. */
export interface ProgramRight {
  group: string;
  /** Plural of the kind, with `/subresource` where it is about that. */
  resource: string;
  verb: string;
}

const [ARGO = ''] = API_VERSION.split('/');

const rights = (group: string, resources: string, verbs: string): ProgramRight[] =>
  resources.split(' ').flatMap((resource) => verbs.split(' ').map((verb) => ({ group, resource, verb })));

/** What each program of k8s/ needs; a test holds it to be what the roles of k8s/rbac give. */
export const PROGRAM_RIGHTS: Readonly<Record<string, readonly ProgramRight[]>> = {
  archiver: [...rights(ARGO, 'workflows', 'patch'), ...rights('', 'configmaps secrets', 'get')],
  'artifact-gc': rights('', 'configmaps secrets', 'get'),
  offloader: [
    ...rights(ARGO, 'workflows', 'get patch'),
    ...rights(ARGO, 'workflows/status', 'patch'),
    ...rights('', 'configmaps secrets', 'get'),
  ],
  'pod-manager': [
    ...rights('', 'pods', 'create get list watch patch delete'),
    ...rights('', 'pods/log', 'get'),
    ...rights('', 'persistentvolumeclaims', 'create delete'),
    ...rights('', 'configmaps', 'get list'),
    ...rights('', 'secrets', 'get'),
    ...rights('', 'serviceaccounts', 'get impersonate'),
    ...rights(ARGO, 'workflowtaskresults', 'get'),
  ],
  scheduler: [
    ...rights(ARGO, 'workflows', 'get list watch create patch delete'),
    ...rights(ARGO, 'workflowtemplates clusterworkflowtemplates', 'get'),
    ...rights(ARGO, 'cronworkflows', 'get list watch update'),
    ...rights(ARGO, 'workflows/status', 'patch'),
    ...rights(ARGO, 'cronworkflows/status', 'update'),
    ...rights('', 'configmaps', 'get list create update'),
    ...rights('', 'secrets', 'get'),
    ...rights('', 'namespaces', 'get list'),
    ...rights('', 'events', 'create'),
    ...rights('coordination.k8s.io', 'leases', 'get'),
    ...rights('policy', 'poddisruptionbudgets', 'create get delete'),
  ],
  server: [
    ...rights(ARGO, 'workflows', 'get create'),
    ...rights(
      ARGO,
      'workflowtemplates clusterworkflowtemplates cronworkflows workfloweventbindings',
      'get list create update delete',
    ),
    ...rights('', 'configmaps', 'get create update'),
    ...rights('', 'secrets', 'get'),
    ...rights('', 'events', 'list watch'),
  ],
};
