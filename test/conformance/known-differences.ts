import type { Recording } from './recordings.js';

const NO_RBAC =
  "the recorder's service account was forbidden to touch these objects; without Kubernetes there are no such rights";
/** Argo's own command line, in its image, deletes or stops the workflow that it is a step of. */
const NO_ARGO_CLI = "a step of it is Argo's own command line, which needs an address of the API that the sandbox does not have";

const TOGETHER = 'it fails when the first of several pods is looked at, and what the others are by then depends on the moment';
const NO_SLOT = 'there a loop that waits for a slot shows the member that it could not start among its children';
const ONE_PASS =
  'what the real controller finds together in one pass of ten seconds comes one after the other here, and its outcome depends on that';

/** On every runtime. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  'rnd-1237': ONE_PASS,
  'rnd-1383': ONE_PASS,
  'rnd-5007': ONE_PASS,
  'rnd-5016': ONE_PASS,
  'rnd-5291': ONE_PASS,
  'rnd-1229': TOGETHER,
  'rnd-1256': TOGETHER,
  'rnd-1322': TOGETHER,
  'rnd-5061': NO_SLOT,
  'work-avoidance': 'its steps throw dice, with $RANDOM of a shell that is not everywhere; the recorder was lucky',
};

/** On the other runtimes than Kubernetes. */
const WITHOUT_KUBERNETES: Readonly<Record<string, string>> = {
  'e-expectedfailures-large-workflow': NO_RBAC,
  'e-functional-output-jqfilter-parameters': NO_RBAC,
  'k8s-patch-json-workflow': NO_RBAC,
  'e-testdata-artifact-workflow-stopped': NO_ARGO_CLI,
  'e-testdata-artifactgc-artgc-dag-wf-086f': NO_ARGO_CLI,
  'e-testdata-artifactgc-artgc-dag-wf-ea23': NO_ARGO_CLI,
  'e-testdata-retry-on-stopped': NO_ARGO_CLI,
  'e-functional-workflow-template-leve-0c35':
    'the recorded image has nslookup; sandbox pods stand on the host, which may have none',
  'sidecar-nginx': 'the recorded image has a sh that knows `>& file`; sandbox pods stand on the host, whose sh may be another',
};

/** In pods of a cluster. */
const ON_KUBERNETES: Readonly<Record<string, string>> = {
  'e-testdata-artifactgc-artgc-dag-wf-086f':
    'a step of it deletes its workflow: there it goes on to its end while the finalizer of artifact GC holds it, here a deletion ends it at once (a difference of ours)',
};

/**
 * Why a recording cannot end on this runtime as it did there; undefined where it must. Such ones are not run: the totals count them as not passed.
 * Whatever is only missing does not belong here but is refused at submit.
 */
export const knownDifference = ({ name }: Recording, runtime: string): string | undefined =>
  EVERYWHERE[name] ?? (runtime === 'kubernetes' ? ON_KUBERNETES : WITHOUT_KUBERNETES)[name];
