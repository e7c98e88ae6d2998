/**
 * Schedules get a fence and the children that run; what a CronWorkflow's history and the retention of ended workflows are found by.
 */
export const SCHEDULES_SQL = `
ALTER TABLE schedules ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN active text[] NOT NULL DEFAULT '{}';
CREATE INDEX workflows_by_cron ON workflows (namespace, (labels ->> 'workflows.argoproj.io/cron-workflow'))
  WHERE labels ->> 'workflows.argoproj.io/cron-workflow' IS NOT NULL;
CREATE INDEX workflow_state_ended ON workflow_state (phase, finished_at_ms DESC) WHERE completed;
`;
