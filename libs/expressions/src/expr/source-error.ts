import { ExpressionError, type ExpressionStage } from '../errors.js';

/** A fault at a place of an expression (a UTF-16 offset), before it is worded with line, column and excerpt. */
export class LocatedError extends Error {
  readonly offset: number;
  readonly stage: ExpressionStage;

  constructor(message: string, offset: number, stage: ExpressionStage) {
    super(message);
    this.offset = offset;
    this.stage = stage;
  }
}

/** Refuses an expression before it runs. */
export const reject = (message: string, offset: number): never => {
  throw new LocatedError(message, offset, 'compile');
};

const characters = (text: string): number => Array.from(text).length;

/** ` (line:column)`, the line and a caret below the place; nothing where that line is empty. Columns count characters. */
function excerptAt(source: string, offset: number): string {
  const before = source.slice(0, offset).split('\n');
  const [rest = ''] = source.slice(offset).split('\n', 1);
  const left = before.at(-1) ?? '';
  const line = left + rest;
  if (line === '') return '';
  const column = characters(left);
  return ` (${before.length}:${column + 1})\n | ${line.replaceAll('\t', ' ')}\n | ${'.'.repeat(column)}^`;
}

/** The error that a user sees: the message with the place in the source that it is about. */
export const sourceError = (source: string, offset: number, message: string, stage: ExpressionStage): ExpressionError =>
  new ExpressionError(message + excerptAt(source, offset), stage);
