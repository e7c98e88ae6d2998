import type { EnvSource, PodStaging } from '#libs/runtimes';

/** A staging that brings nothing in and captures the result only, as Argo does: without one trailing newline. */
export const resultStaging: PodStaging = {
  stage: async () => undefined,
  capture: async (manifest, files) => {
    if (!manifest.work.captureResult) return { outputs: {} };
    const text = (await files.stdoutTail(256 * 1024)).toString('utf8');
    return { outputs: { result: text.replace(/\n$/, '') } };
  },
};

/** No ConfigMap and no Secret exists. */
export const emptyEnvSource: EnvSource = {
  configMapKey: async () => null,
  secretKey: async () => null,
  configMap: async () => null,
  secret: async () => null,
  configMapFiles: async () => null,
  secretFiles: async () => null,
};
