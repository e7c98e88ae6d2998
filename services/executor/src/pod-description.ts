import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import type { PodManifest } from '#libs/pod-spec';

import { UsageError } from './errors.js';

const json = z.record(z.string(), z.json());
const named = z.looseObject({ name: z.string().min(1) });

/** The parts that the executor reads; everything else of a pod is kept and not looked at. */
const podDescription = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: z.looseObject({ name: z.string().optional() }),
  spec: json,
  work: z.looseObject({
    workflowName: z.string(),
    workflowNamespace: z.string(),
    workflowUid: z.string().min(1),
    nodeId: z.string().min(1),
    inputArtifacts: z.array(named),
    outputParameters: z.array(named),
    outputArtifacts: z.array(named),
    captureResult: z.boolean(),
    archiveLogs: z.boolean(),
    archiveKey: z.string().optional(),
    repository: json.optional(),
    terminationGracePeriodSeconds: z.number(),
  }),
});

/** Reads the JSON file of a pod with its `work`. Throws UsageError where it cannot be read or has another shape. */
export async function readPodDescription(file: string): Promise<PodManifest> {
  try {
    const checked = podDescription.safeParse(JSON.parse(await readFile(file, 'utf8')));
    if (checked.success) return checked.data as unknown as PodManifest;
    throw new UsageError(`${file} is no pod description: ${z.prettifyError(checked.error)}`);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
