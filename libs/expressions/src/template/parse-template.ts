import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError } from '../errors.js';

/** A text cut at its tags: texts and tags alternate, one text more than tags. */
export interface ParsedTemplate {
  readonly texts: readonly string[];
  readonly tags: readonly string[];
}

function parse(template: string): ParsedTemplate | ExpressionError {
  return parseDelimited(template, '{{', '}}');
}

/** Cuts a text at tags with any delimiters, as valyala/fasttemplate does; the error for an unclosed tag is a value. */
export function parseDelimited(template: string, start: string, end: string): ParsedTemplate | ExpressionError {
  const texts: string[] = [];
  const tags: string[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf(start, at);
    if (open < 0) break;
    texts.push(template.slice(at, open));
    const close = template.indexOf(end, open + start.length);
    if (close < 0) {
      const rest = template.slice(open + start.length);
      return new ExpressionError(`Cannot find end tag="${end}" in the template="${template}" starting from "${rest}"`, 'parse');
    }
    tags.push(template.slice(open + start.length, close));
    at = close + end.length;
  }
  texts.push(template.slice(at));
  return { texts, tags };
}

const cache = new BoundedCache<string, ParsedTemplate | ExpressionError>(4000);
const CACHED_LENGTH = 16_384;

/** Cuts a text at its `{{tags}}` (cached); throws ExpressionError for a tag without an end. */
export function parseTemplate(template: string): ParsedTemplate {
  const parsed = template.length > CACHED_LENGTH ? parse(template) : cache.getOrMake(template, parse);
  if (parsed instanceof ExpressionError) throw parsed;
  return parsed;
}
