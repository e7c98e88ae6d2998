import { type SubmittedWorkflow } from '#libs/engine';
import { type Workflow } from '#libs/workflow-spec';
import { type Executor } from '../connection/database.js';

/** A workflow to insert; `metadata` must hold uid, namespace and name. */
export interface NewWorkflow {
  submitted: SubmittedWorkflow;
  createdAtMs: number;
  /** Value of the instance-id label; '' for none. */
  instanceId?: string;
  /** It has an object on the cluster, with the same uid. */
  hasClusterObject?: boolean;
}

/** The workflow and its state row in one statement: there is never one without the other. Of the same names everybody asks in one order. */
const INSERT_SQL = `
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::json[], $7::json[], $8::text[], $9::bigint[], $10::boolean[])
    AS g (uid, namespace, name, generate_name, labels, annotations, submitted, instance_id, created_at_ms, cluster_object)
), inserted AS (
  INSERT INTO workflows (uid, namespace, name, generate_name, labels, annotations, submitted, instance_id, created_at_ms, cluster_object)
  SELECT * FROM given ORDER BY namespace, name
  ON CONFLICT DO NOTHING
  RETURNING uid, created_at_ms
), state AS (
  INSERT INTO workflow_state (uid, updated_at_ms)
  SELECT uid, created_at_ms FROM inserted
  ON CONFLICT DO NOTHING
)
SELECT uid FROM inserted`;

/** Inserts what is not there yet, by uid and by name, each with its state row; gives the uids that were inserted. */
export async function insertWorkflowRows(executor: Executor, workflows: readonly NewWorkflow[]): Promise<Set<string>> {
  const rows = await executor.run<{ uid: string }>({
    name: 'workflow-insert',
    text: INSERT_SQL,
    values: insertColumns(workflows),
  });
  return new Set(rows.map(({ uid }) => uid));
}

/** The uid that a workflow to insert carries. */
export const uidOf = ({ submitted }: NewWorkflow): string => submitted.metadata.uid ?? '';

function insertColumns(workflows: readonly NewWorkflow[]): unknown[] {
  const metadata = workflows.map(({ submitted }) => submitted.metadata);
  return [
    metadata.map((meta) => meta.uid ?? ''),
    metadata.map((meta) => meta.namespace ?? ''),
    metadata.map((meta) => meta.name ?? ''),
    metadata.map((meta) => meta.generateName ?? ''),
    metadata.map((meta) => JSON.stringify(meta.labels ?? {})),
    metadata.map((meta) => JSON.stringify(meta.annotations ?? {})),
    workflows.map(({ submitted }) => JSON.stringify(withoutStatus(submitted))),
    workflows.map(({ instanceId }) => instanceId ?? ''),
    workflows.map(({ createdAtMs }) => createdAtMs),
    workflows.map(({ hasClusterObject }) => hasClusterObject === true),
  ];
}

/** Of a status only the templates that were resolved at submit belong to what was submitted. */
function withoutStatus(submitted: SubmittedWorkflow): unknown {
  const { status, ...rest } = submitted as SubmittedWorkflow & Pick<Workflow, 'status'>;
  return status?.storedTemplates === undefined ? rest : { ...rest, status: { storedTemplates: status.storedTemplates } };
}
