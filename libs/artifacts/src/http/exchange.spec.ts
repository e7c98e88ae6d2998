import { describe, expect, it } from 'vitest';
import { TransientError } from '#libs/workflow-spec';
import { ArtifactLocationError } from '../errors.js';
import { unansweredError } from './exchange.js';

const errorOf = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`getaddrinfo ${code} example`), { code });

describe('a request that nobody answers', () => {
  it('is the user’s error where no name server knows the host', () => {
    const error = unansweredError('GET http://example/', errorOf('ENOTFOUND'));
    expect(error).toBeInstanceOf(ArtifactLocationError);
    expect(error.message).toBe('GET http://example/: there is no such host');
  });

  it.each(['EAI_AGAIN', 'ECONNREFUSED', 'ETIMEDOUT'])('passes by itself after %s', (code) => {
    expect(unansweredError('GET http://example/', errorOf(code))).toBeInstanceOf(TransientError);
  });
});
