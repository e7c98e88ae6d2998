import { type LockAnswer } from '#libs/engine';

import { type Executor } from '../connection/database.js';

/** Puts answers into the inboxes of the workflows that they are for, whose rows are not touched. */
export async function tellWorkflows(
  tx: Executor,
  answers: readonly { workflow: string; answer: LockAnswer }[],
  nowMs: number,
): Promise<void> {
  if (answers.length === 0) return;
  await tx.run({
    name: 'lock-answers',
    text: `
      INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
      SELECT a.workflow, 'lock', a.subject, a.body, $4 FROM unnest($1::text[], $2::text[], $3::json[]) AS a (workflow, subject, body)`,
    values: [
      answers.map(({ workflow }) => workflow),
      answers.map(({ answer }) => answer.holder),
      answers.map(({ answer }) => JSON.stringify(answer)),
      nowMs,
    ],
  });
}
