import { ExpressionError } from '../errors.js';
import { type Reference } from '../expr/references.js';
import { programReferences } from '../expr/evaluate.js';
import { compileExpression } from '../expr/program.js';
import { parseTemplate } from './parse-template.js';

/** A tag of a text: a plain name, or an expression with the names it reads (none where it does not parse). */
export type Tag =
  | { readonly kind: 'simple'; readonly text: string; readonly key: string }
  | { readonly kind: 'expression'; readonly text: string; readonly references: readonly Reference[] };

function describeTag(text: string): Tag[] {
  if (text.startsWith('=')) {
    try {
      return [{ kind: 'expression', text, references: programReferences(compileExpression(text.slice(1))) }];
    } catch (error) {
      if (error instanceof ExpressionError) return [{ kind: 'expression', text, references: [] }];
      throw error;
    }
  }
  const simple: Tag = { kind: 'simple', text, key: text.trim() };
  const nested = text.lastIndexOf('{{');
  return nested < 0 ? [simple] : [simple, { kind: 'simple', text, key: text.slice(nested + 2).trim() }];
}

/** The tags of a plain string, in order; a nested tag gives its inner name too. A text with an unclosed tag has none. */
export function findTags(text: string): Tag[] {
  if (!text.includes('{{')) return [];
  try {
    return parseTemplate(text).tags.flatMap(describeTag);
  } catch (error) {
    if (error instanceof ExpressionError) return [];
    throw error;
  }
}
