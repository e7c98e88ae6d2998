import type { PodDifference } from './pod-facts.js';

/** A way in which pods of ours on a cluster differ from those of Argo's controller by design. */
interface PodDeviation {
  /** A sentence of docs/compatibility.md ("The pod"). */
  said: string;
  /** `isLean`: ours has neither `init` nor `wait`. */
  explains: (difference: PodDifference, pod: { isLean: boolean }) => boolean;
}

const at =
  (pattern: RegExp) =>
  ({ place }: PodDifference): boolean =>
    pattern.test(place);

const isCredential = at(/^volumes\/my-\w+-cred(\/|$)|~argo~secret~/);
const EXECUTOR = String.raw`(containers/wait|initContainers/init)`;

/**
 * Every deviation there is: a pod that differs in anything else is wrong. The recordings are compared with this list, and it with the documentation.
 */
export const POD_DEVIATIONS: readonly PodDeviation[] = [
  {
    said: '`init` and `wait`, their volumes and the wrapper around programs are there where something is staged or captured or several containers stand together; a pod without that is lean: `main` alone, with `shareProcessNamespace`, so that its program hears of TERM.',
    explains: (difference, { isLean }) =>
      (isLean &&
        at(new RegExp(`^(${EXECUTOR}|volumes/var-run-argo|shareProcessNamespace)(/|$)|/command/|/args$|~var~run~argo`))(
          difference,
        )) ||
      (difference.ours === undefined &&
        at(/^(containers\/wait|volumes\/tmp-dir-argo)(\/|$)/)(difference) &&
        !isCredential(difference)),
  },
  {
    said: '`init` and `wait` are of our image and run our scripts.',
    explains: at(new RegExp(`^${EXECUTOR}/(image|command/program)$`)),
  },
  {
    said: 'Programs run behind a static busybox and a script (`services/executor/pod/run`) instead of `argoexec emissary`.',
    explains: ({ place, recorded, ours }) =>
      place.endsWith('/command/wrapper') && recorded?.includes('emissary') === true && ours?.includes('/run/argo/run') === true,
  },
  {
    said: 'What the executor has to do stands in variables `ARGOSY_…` instead of `ARGO_TEMPLATE` and the other variables of `argoexec`.',
    explains: at(
      new RegExp(
        `^${EXECUTOR}/env/(ARGOSY_\\w+|ARGO_ARTIFACT_PLUGIN_NAMES|ARGO_DEADLINE|ARGO_INCLUDE_SCRIPT_OUTPUT|ARGO_PROGRESS_\\w+)(/|$)|/env/ARGO_TEMPLATE(/|$)`,
      ),
    ),
  },
  {
    said: 'Secrets of artifact stores are mounted in those of `init` and `wait` that move something, and nowhere where there is a broker.',
    explains: (difference) => difference.ours === undefined && isCredential(difference),
  },
  {
    said: '`TRACEPARENT`, `TRACESTATE` and annotations of spans are missing: traces are those of the services.',
    explains: at(/\/env\/TRACE(PARENT|STATE)(\/|$)|^annotations\/workflows\.argoproj\.io~(span|trace)-id$/),
  },
  {
    said: 'Labels and annotations `argosy.dev/…` are added: a pod’s identity is checked, not assumed, and what was ordered stands on the pod itself.',
    explains: ({ place, recorded }) => recorded === undefined && /^(labels|annotations)\/argosy\.dev~/.test(place),
  },
  {
    said: 'Pods have the finalizer `workflows.argoproj.io/status` (Argo’s, where `ARGO_POD_STATUS_CAPTURE_FINALIZER` is set) until their end is recorded.',
    explains: ({ place, ours }) => place === 'finalizers' && ours === '["workflows.argoproj.io/status"]',
  },
  {
    said: '`ARGO_DEADLINE` is the earliest of all limits of the pod, not the workflow’s alone: every runtime keeps it, also without a kubelet.',
    explains: ({ place, recorded, ours }) =>
      /^containers\/[^/]+\/env\/ARGO_DEADLINE\/value$/.test(place) && recorded !== undefined && ours !== undefined,
  },
  {
    said: 'A script without source and an optional artifact that is not given are staged by nobody, so their volume and their mounts are missing.',
    explains: ({ place, ours }) =>
      ours === undefined &&
      /(volumes\/|Mounts\/)[^/]*(argo-staging|argo~staging|input-artifacts|argo~inputs~artifacts)/.test(place),
  },
  {
    said: 'No token of a service account is mounted for the executor (`exec-sa-token`): it asks the API server for nothing.',
    explains: ({ place, ours }) => ours === undefined && /^volumes\/exec-sa-token(\/|$)|serviceaccount(\/|$)/.test(place),
  },
];

/** What an API server fills in where nothing is written; recordings have pods as it gives them back. */
const FILLED_IN: Readonly<Record<string, readonly string[]>> = {
  dnsPolicy: ['"ClusterFirst"'],
  enableServiceLinks: ['true'],
  preemptionPolicy: ['"PreemptLowerPriority"'],
  priority: ['0'],
  schedulerName: ['"default-scheduler"'],
  serviceAccount: ['"default"', '"argo"'],
  serviceAccountName: ['"default"'],
  terminationGracePeriodSeconds: ['30'],
  terminationMessagePath: ['"/dev/termination-log"'],
  terminationMessagePolicy: ['"File"'],
  imagePullPolicy: ['"Always"', '"IfNotPresent"'],
  defaultMode: ['420'],
  apiVersion: ['"v1"'],
  failureThreshold: ['3'],
  periodSeconds: ['10'],
  successThreshold: ['1'],
  timeoutSeconds: ['1'],
  scheme: ['"HTTP"'],
};
const ADDED = /^tolerations\/node\.kubernetes\.io~|kube-api-access|~var~run~secrets~kubernetes\.io~serviceaccount/;
/** Requests are at least the limits, and those of the pod the sum of its containers'. */
const REQUESTS = /(^|\/)resources\/requests\//;
/** What recordings leave out, since it was another one's. */
const OWNER = /^ownerReferences\/Workflow [^/]+\/(apiVersion|uid)$/;

/** Whether a difference comes from the API server, or from how pods were recorded. */
export const isFilledIn = ({ place, recorded, ours }: PodDifference): boolean => {
  const field = place.slice(place.lastIndexOf('/') + 1);
  if (ours === undefined && recorded !== undefined)
    return FILLED_IN[field]?.includes(recorded) === true || ADDED.test(place) || REQUESTS.test(place);
  return recorded === undefined && OWNER.test(place);
};
