import { describe, expect, it } from 'vitest';
import { tableText } from './table.js';

describe('tableText', () => {
  it('aligns columns by what a terminal shows, and ends lines without spaces', () => {
    const rows = [
      ['NAME', 'STATUS', 'X'],
      ['a', '\u001b[32mSucceeded\u001b[0m', ''],
      ['└─✔ bc', 'Failed', 'y'],
    ];
    expect(tableText(rows)).toBe('NAME    STATUS     X\na       \u001b[32mSucceeded\u001b[0m\n└─✔ bc  Failed     y');
  });

  it('is empty for no rows', () => {
    expect(tableText([])).toBe('');
  });
});
