import type { KubernetesPod } from '#libs/pod-spec';
import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { PodObservation } from '../contract.js';
import type { ClusterPods } from './cluster-pods.js';
import type { ObservedPod } from './observed-pod.js';

/** Of which pods the spec is written to the log (Argo's `podSpecLogStrategy`): of those that failed, or of all when they are made. Default: none. */
export interface PodSpecLogStrategy {
  failedPod?: boolean | undefined;
  allPods?: boolean | undefined;
}

interface PodSpecLogOptions {
  /** Asked for every pod, as the controller's configuration may change. */
  strategy: () => PodSpecLogStrategy;
  pods: Pick<ClusterPods, 'get'>;
  logger: RuntimeLogger;
}

/** Lists whose members are names with values: what stands there may be a token or a password. */
const VALUED_LISTS = new Set(['env', 'httpHeaders']);
const LEFT_OUT = '(left out)';

/** Writes specs of pods to the log, one line each, without the values of variables and headers. A pod that is gone by then is passed over. */
export class PodSpecLog {
  constructor(private readonly options: PodSpecLogOptions) {}

  made({ metadata: { namespace, name }, spec }: KubernetesPod): void {
    if (this.options.strategy().allPods === true) this.write('spec of a new pod', { namespace, name }, spec);
  }

  ended({ namespace, name, uid }: ObservedPod, { phase }: Pick<PodObservation, 'phase'>): void {
    const { strategy, pods, logger } = this.options;
    if (phase !== 'Failed' || strategy().failedPod !== true) return;
    pods.get({ namespace, name }).then(
      (pod) => {
        if (pod?.metadata.uid === uid) this.write('spec of a failed pod', { namespace, name }, pod['spec'] as KubernetesObject);
      },
      (error: unknown) => logger.debug('the spec of a failed pod could not be read', { err: error, pod: name }),
    );
  }

  private write(
    message: string,
    { namespace = '', name = '' }: { namespace?: string | undefined; name?: string | undefined },
    spec: KubernetesObject,
  ): void {
    this.options.logger.info(message, { namespace, pod: name, podSpec: JSON.stringify(withoutValues(spec)) });
  }
}

function withoutValues(value: JsonValue, field = ''): JsonValue {
  if (Array.isArray(value)) return value.map((item) => withoutValues(item, field));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'value' && VALUED_LISTS.has(field) ? LEFT_OUT : withoutValues(inner, name),
    ]),
  );
}
