import { expect, it } from 'vitest';

import { signedUrl, uriEncoded } from './s3-sigv4.js';

const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

it('gives the signature of the example in the documentation of the protocol', () => {
  const url = signedUrl({
    ...{ method: 'GET', url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'), headers: {}, keys, region: 'us-east-1' },
    ...{ nowMs: Date.UTC(2013, 4, 24), expiresInSeconds: 86_400 },
  });
  expect(url).toBe(
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z' +
      '&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

it('never shows the secret key, and encodes what a query would take apart', () => {
  expect(uriEncoded("a b/ü(!*')~-._")).toBe('a%20b%2F%C3%BC%28%21%2A%27%29~-._');
});
