import { describe, expect, it } from 'vitest';
import { locationOf } from './located-outputs.js';

const REPOSITORY = { filesystem: { mode: 'shared' } };

describe('the place of an artifact', () => {
  it('is the repository where it gives only a key', () => {
    expect(locationOf({ name: 'a', s3: { key: 'k' } }, REPOSITORY, 'pod')).toEqual({ filesystem: { mode: 'shared', key: 'k' } });
  });

  it('is its own URL, although a URL stands where a key would', () => {
    const own = { http: { url: 'https://example.com/tool' } };
    expect(locationOf({ name: 'a', ...own }, REPOSITORY, 'pod')).toEqual(own);
  });
});
