import { NotFoundError, PermissionDeniedError } from '#libs/workflow-spec';
import type { Asked, ClusterQuestion } from './cluster-findings.js';
import type { Finding } from './finding.js';
import { PROGRAM_RIGHTS, type ProgramRight } from './program-rights.js';

const NAME = 'rights';
/** What is asked without a namespace, which an installation in one namespace does without. */
const isClusterWide = ({ resource, verb }: ProgramRight): boolean =>
  resource === 'clusterworkflowtemplates' || (resource === 'namespaces' && verb === 'list');
const ROLES_ADVICE =
  'apply the overlay again: its roles and their bindings are in k8s/rbac, k8s/cluster-rights and k8s/namespace-rights';

/**
 * Whether the account of each program may do what the program does, for workflows of `namespace`. `parted`: plurals of the kinds whose status is a
 * subresource. Where the credential may not ask this, or no programs run in `programs`, that is the finding.
 */
export const rightsFindings = async (
  api: Asked,
  { namespace, programs }: ClusterQuestion,
  parted: ReadonlySet<string>,
): Promise<Finding[]> => {
  try {
    const names = Object.keys(PROGRAM_RIGHTS);
    const there = await Promise.all(names.map((program) => exists(api, programs, accountOf(program))));
    if (there.includes(false))
      return [
        noAccounts(
          programs,
          names.filter((_, index) => !there[index]),
        ),
      ];
    const refused = await Promise.all(names.map((program) => refusedOf(api, { program, namespace, programs }, parted)));
    const failed = names.flatMap((program, index) => refusedFinding(program, namespace, refused[index]?.inNamespace ?? []));
    if (failed.length > 0) return failed;
    const without = refused.some(({ clusterWide }) => clusterWide)
      ? '; cluster-wide templates and other namespaces are not theirs to read'
      : '';
    return [{ name: NAME, state: 'ok', message: `the programs in ${programs} may run workflows in ${namespace}${without}` }];
  } catch (error) {
    if (!(error instanceof PermissionDeniedError)) throw error;
    const advice = 'ask with a credential that may create subjectaccessreviews and get service accounts there';
    return [{ name: NAME, state: 'warning', message: `those of the programs are not known: ${error.message}`, advice }];
  }
};

const accountOf = (program: string): string => `argosy-${program}`;

const noAccounts = (programs: string, names: readonly string[]): Finding => ({
  name: NAME,
  state: 'warning',
  message: `there is no service account ${names.map(accountOf).join(', ')} in ${programs}`,
  advice: 'say where the programs run (--programs NAMESPACE), or apply the overlay again',
});

const refusedFinding = (program: string, namespace: string, refused: readonly ProgramRight[]): Finding[] => {
  if (refused.length === 0) return [];
  const words = refused.map(({ verb, resource }) => `${verb} ${resource}`).join(', ');
  return [{ name: NAME, state: 'failed', message: `${program} may not, in ${namespace}: ${words}`, advice: ROLES_ADVICE }];
};

interface Account extends ClusterQuestion {
  program: string;
}

const refusedOf = async (
  api: Asked,
  account: Account,
  parted: ReadonlySet<string>,
): Promise<{ inNamespace: ProgramRight[]; clusterWide: boolean }> => {
  const wanted = (PROGRAM_RIGHTS[account.program] ?? []).filter(({ resource }) => {
    const [plural = '', part] = resource.split('/');
    return part !== 'status' || parted.has(plural);
  });
  const answers = await Promise.all(wanted.map((right) => isAllowed(api, account, right)));
  const refused = wanted.filter((_, index) => answers[index] === false);
  const inNamespace = refused.filter((right) => !isClusterWide(right));
  return { inNamespace, clusterWide: inNamespace.length < refused.length };
};

const exists = async (api: Asked, namespace: string, name: string): Promise<boolean> => {
  try {
    await api.get({ apiVersion: 'v1', plural: 'serviceaccounts', namespace, name });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
};

const isAllowed = async (api: Asked, { program, namespace, programs }: Account, right: ProgramRight): Promise<boolean> => {
  const [resource = '', subresource] = right.resource.split('/');
  const place = isClusterWide(right) ? {} : { namespace };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${programs}:${accountOf(program)}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${programs}`, 'system:authenticated'],
      resourceAttributes: { ...place, verb: right.verb, group: right.group, resource, ...(subresource ? { subresource } : {}) },
    },
  };
  const { status } = await api.create<{ status: { allowed: boolean } }>(
    { apiVersion: review.apiVersion, plural: 'subjectaccessreviews' },
    review,
  );
  return status.allowed;
};
