const OPEN = '{{';
const CLOSE = '}}';

/** A `{{…}}` in a text; `start` and `end` frame it with its braces. */
export interface Tag {
  /** What stands between the braces, untrimmed. A tag inside a tag begins within it: `{{a.{{b}}` has the content `a.{{b`. */
  content: string;
  start: number;
  end: number;
  /** `{{= … }}`: an expression, not a name. */
  isExpression: boolean;
}

/** The tags of a text from left to right, each from an opening to the next closing pair of braces, as valyala/fasttemplate finds them. */
export const findTags = (text: string): Tag[] => {
  const tags: Tag[] = [];
  let start = text.indexOf(OPEN);
  while (start !== -1) {
    const close = text.indexOf(CLOSE, start + OPEN.length);
    if (close === -1) break;
    const content = text.slice(start + OPEN.length, close);
    tags.push({ content, start, end: close + CLOSE.length, isExpression: content.startsWith('=') });
    start = text.indexOf(OPEN, close + CLOSE.length);
  }
  return tags;
};
