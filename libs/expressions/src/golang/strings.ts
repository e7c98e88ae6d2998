const SPACE = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING = new RegExp(`^${SPACE}+`);
const TRAILING_SPACE = new RegExp(SPACE);

/** Go's strings.TrimSpace. */
export function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && TRAILING_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(LEADING, '');
}

/** Go's strings.Trim: cuts the characters of `set` from both ends, or from one. */
export function trimCharacters(text: string, set: string, ends: 'both' | 'left' | 'right' = 'both'): string {
  const cut = new Set(set);
  const characters = [...text];
  let start = 0;
  let end = characters.length;
  if (ends !== 'right') while (start < end && cut.has(characters[start] ?? '')) start++;
  if (ends !== 'left') while (end > start && cut.has(characters[end - 1] ?? '')) end--;
  return characters.slice(start, end).join('');
}

/** Go's strings.SplitN: at most `limit` parts, all of them when it is negative. */
export function splitText(text: string, separator: string, limit = -1): string[] {
  if (limit === 0) return [];
  if (separator === '') {
    const characters = [...text];
    if (limit < 0 || characters.length <= limit) return characters;
    return [...characters.slice(0, limit - 1), characters.slice(limit - 1).join('')];
  }
  const parts = text.split(separator);
  return limit < 0 || parts.length <= limit ? parts : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}
