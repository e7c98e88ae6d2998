import { ExpressionError } from '#libs/expressions';
import { UserError } from '#libs/workflow-spec';

/** The text of an error that belongs to the user's spec; any other error is a bug and goes on. */
export const messageOf = (error: unknown): string => {
  if (error instanceof ExpressionError || error instanceof UserError) return error.message;
  throw error;
};
