import { UserError } from '#libs/workflow-spec';

/** A node's phase was to change in a way that the table forbids: always a bug of the engine, never of a user. */
export class PhaseTransitionError extends Error {
  constructor(
    readonly nodeName: string,
    readonly from: string,
    readonly to: string,
  ) {
    super(`node ${nodeName} cannot go from ${from} to ${to}`);
    this.name = 'PhaseTransitionError';
  }
}

/** Rows that do not form a tree (a parent or owner that is not there): the stored state is damaged. */
export class DamagedStateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DamagedStateError';
  }
}

/** A template could not be started; the text is what Argo shows at the node and passes to what is above it. */
export class ExecutionError extends UserError {}

/** The status of a Workflow object from which no rows can be made; the message names the node. */
export class UnreadableStatusError extends UserError {}
