const OPEN = '{{';
const CLOSE = '}}';

/** A `{{…}}` in a text; `start` and `end` frame it with its braces. */
export interface Tag {
  /** What stands between the braces, untrimmed. */
  content: string;
  start: number;
  end: number;
  /** `{{= … }}`: an expression, not a name. */
  isExpression: boolean;
}

/**
 * The tags of a text from left to right, each from an opening to the next closing pair of braces (valyala/fasttemplate, which Argo uses);
 * in a nested tag the content begins after the innermost opening. An opening without an end is text.
 */
export const findTags = (text: string): Tag[] => {
  const tags: Tag[] = [];
  let position = text.indexOf(OPEN);
  while (position !== -1) {
    const close = text.indexOf(CLOSE, position + OPEN.length);
    if (close === -1) break;
    const start = text.lastIndexOf(OPEN, close - 1);
    const content = text.slice(start + OPEN.length, close);
    tags.push({ content, start, end: close + CLOSE.length, isExpression: content.trimStart().startsWith('=') });
    position = text.indexOf(OPEN, close + CLOSE.length);
  }
  return tags;
};
