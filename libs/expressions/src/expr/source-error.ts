import { ExpressionError, type ExpressionStage } from '../errors.js';

/** Line and column (both from 0, in characters) of a UTF-16 offset, and the text of that line. */
function locate(source: string, offset: number): { line: number; column: number; text: string } {
  const before = source.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf('\n') + 1;
  const lineEnd = source.indexOf('\n', lineStart);
  let line = 0;
  for (const character of before) if (character === '\n') line++;
  let column = 0;
  for (const _ of before.slice(lineStart)) column++;
  return { line, column, text: source.slice(lineStart, lineEnd < 0 ? source.length : lineEnd) };
}

/** An error with the place in the expression, laid out as expr-lang's file.Error. */
export function sourceError(source: string, offset: number, message: string, stage: ExpressionStage): ExpressionError {
  const { line, column, text } = locate(source, offset);
  if (text === '') return new ExpressionError(message, stage);
  const snippet = `\n | ${text.replaceAll('\t', ' ')}\n | ${'.'.repeat(column)}^`;
  return new ExpressionError(`${message} (${line + 1}:${column + 1})${snippet}`, stage);
}

/** Thrown inside lexer, parser and evaluator; turned into an ExpressionError where the source text is known. */
export class LocatedError extends Error {
  readonly offset: number;
  readonly stage: ExpressionStage;

  constructor(message: string, offset: number, stage: ExpressionStage) {
    super(message);
    this.offset = offset;
    this.stage = stage;
  }
}
