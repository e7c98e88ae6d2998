import { afterEach, beforeEach, describe } from 'vitest';

import type { PodRuntime } from '#libs/runtimes';

import { generalPodTests } from './pod-runtime/general-pods.js';
import { adoptionTests } from './pod-runtime/pod-adoption.js';
import { endingTests, endTests } from './pod-runtime/pod-ends.js';
import { hostTests, identityTests } from './pod-runtime/pod-identities.js';
import { logTests } from './pod-runtime/pod-logs.js';
import { type Open, Watched } from './pod-runtime/watched-runtime.js';

/** One host with its pods, which several runtimes may use one after another, as several pod-managers do. */
export interface PodRuntimeUnderTest {
  /** A runtime that is not started yet. */
  open(options?: { maxPods?: number }): Promise<PodRuntime>;
  /** Kills what is left and closes the host; all runtimes are closed by then. */
  close(): Promise<void>;
}

/**
 * Registers the tests that every PodRuntime must pass; `make` opens an empty host. `isCluster`: somebody behind
 * the runtime starts the pods, so it has no slots of its own and does not know what an image runs; ends that were recorded it tells when asked.
 */
export function podRuntimeContract(
  name: string,
  make: () => Promise<PodRuntimeUnderTest>,
  { isCluster = false }: { isCluster?: boolean } = {},
): void {
  describe(`pod runtime contract: ${name}`, () => {
    let host: PodRuntimeUnderTest;
    const opened: PodRuntime[] = [];
    const open: Open = async ({ maxPods, failures } = {}) => {
      const runtime = await host.open(maxPods === undefined ? {} : { maxPods });
      opened.push(runtime);
      return Watched.start(runtime, failures);
    };
    beforeEach(async () => {
      host = await make();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
      await host.close();
    });

    endTests(open, isCluster);
    if (!isCluster) hostTests(open);
    identityTests(open);
    endingTests(open);
    logTests(open);
    adoptionTests(open, isCluster);
    generalPodTests(open);
  });
}
