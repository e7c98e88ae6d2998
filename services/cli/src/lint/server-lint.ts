import { ApiClientError } from '../client/errors.js';
import type { CommandContext } from '../commands/context.js';
import type { ManifestDocument } from '../commands/manifests.js';
import { LINTED_KINDS } from './offline-lint.js';
import type { DecodeOptions } from '#libs/workflow-spec';

const PATHS: Readonly<Record<string, { path: (namespace: string) => string; field: string }>> = {
  Workflow: { path: (namespace) => `/api/v1/workflows/${encodeURIComponent(namespace)}/lint`, field: 'workflow' },
  WorkflowTemplate: {
    path: (namespace) => `/api/v1/workflow-templates/${encodeURIComponent(namespace)}/lint`,
    field: 'template',
  },
  ClusterWorkflowTemplate: { path: () => '/api/v1/cluster-workflow-templates/lint', field: 'template' },
  CronWorkflow: { path: (namespace) => `/api/v1/cron-workflows/${encodeURIComponent(namespace)}/lint`, field: 'cronWorkflow' },
};

/**
 * What the server says of one document; undefined: nothing is wrong. The file is decoded here first, as Argo's command does: its server drops
 * fields that it does not know. Throws UserError where the object does not decode.
 */
export const refusalOfServer = async (
  context: CommandContext,
  { object }: ManifestDocument,
  options: DecodeOptions,
): Promise<string | undefined> => {
  const kind = object.kind ?? '';
  const place = PATHS[kind];
  if (!place) return undefined;
  LINTED_KINDS[kind]?.decode(object, options);
  const namespace = object.metadata?.namespace ?? context.namespace;
  try {
    await context.client.send('POST', place.path(namespace), { namespace, [place.field]: object });
    return undefined;
  } catch (error) {
    if (error instanceof ApiClientError) return error.message;
    throw error;
  }
};
