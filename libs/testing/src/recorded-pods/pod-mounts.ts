import type { KubernetesObject } from '#libs/workflow-spec';

interface Container {
  name: string;
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
}

/** Credentials that Argo mounts, and the token that the API server adds; ours are given otherwise. */
const FOREIGN = /^(my-minio-cred|my-httpbin-cred|exec-sa-token|kube-api-access-.*)$/;

const containersOf = (spec: KubernetesObject): Container[] =>
  ['initContainers', 'containers'].flatMap((field) => (spec[field] ?? []) as unknown as Container[]);

/** What each of the containers that `like` has as well mounts, by container, as `volume:path[:subPath]` in order. */
export const podMounts = (spec: KubernetesObject, like: KubernetesObject): KubernetesObject => {
  const names = new Set(containersOf(like).map(({ name }) => name));
  const mounts = containersOf(spec)
    .filter(({ name }) => names.has(name))
    .map(({ name, volumeMounts = [] }): [string, string[]] => [
      name,
      volumeMounts
        .filter((mount) => !FOREIGN.test(mount.name))
        .map((mount) => [mount.name, mount.mountPath, mount.subPath].filter((part) => part !== undefined).join(':'))
        .sort(),
    ]);
  return Object.fromEntries(mounts);
};
