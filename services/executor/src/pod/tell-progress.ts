import { readFile } from 'node:fs/promises';

import { PROGRESS_FILE } from '#libs/pod-spec';
import { AnnotationName } from '#libs/workflow-spec';

import { type PodVariables, withOwnCluster } from './own-cluster.js';

/**
 * Writes the last line of the progress file into the annotation of this pod, as Argo's executor does, by the right of the pod's service account to patch
 * pods. What is no progress is not taken over by whoever reads it. Throws UserError where the right is missing, TransientError where the API server is away.
 */
export async function tellProgress(variables: PodVariables): Promise<void> {
  const progress = (await readFile(PROGRESS_FILE, 'utf8')).trim().split('\n').at(-1)?.trim() ?? '';
  const { ARGO_POD_NAME: name = '', ARGO_POD_UID: uid } = variables;
  await withOwnCluster(variables, (api, namespace) =>
    api.patch(
      { apiVersion: 'v1', plural: 'pods', namespace, name },
      { metadata: { uid, annotations: { [AnnotationName.progress]: progress } } },
      { type: 'merge', answer: 'metadata' },
    ),
  );
}
