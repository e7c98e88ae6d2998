import { describe, expect, it } from 'vitest';
import { argoPlaceFromUrl, describePlace } from './argo-place.js';

describe('a place for the archive out of a URL', () => {
  it.each([
    [
      'mysql://u%40x:p%2Fw@db:3307/argo',
      { dialect: 'mysql', host: 'db', port: 3307, database: 'argo', user: 'u@x', password: 'p/w' },
    ],
    ['mariadb://db/argo', { dialect: 'mysql', host: 'db', database: 'argo' }],
    ['mysql://db/argo?tls=skip-verify', { dialect: 'mysql', host: 'db', database: 'argo', tls: { verify: false } }],
    ['mysql://db/argo?tls=true', { dialect: 'mysql', host: 'db', database: 'argo', tls: { verify: true } }],
    ['postgres://u@/argo?host=/run/pg', { dialect: 'postgres', host: '/run/pg', database: 'argo', user: 'u' }],
    [
      'postgresql://[::1]/argo?sslmode=verify-full',
      { dialect: 'postgres', host: '::1', database: 'argo', tls: { verify: true } },
    ],
    ['postgres://db/argo?sslmode=require', { dialect: 'postgres', host: 'db', database: 'argo', tls: { verify: false } }],
  ])('is read: %s', (url, place) => {
    expect(argoPlaceFromUrl(url)).toEqual(place);
  });

  it.each(['', 'db', 'http://u:secret@db/argo', 'mysql://u:secret@db/'])(
    'is refused without a word of its secrets: %j',
    (url) => {
      expect(() => argoPlaceFromUrl(url)).toThrow(/^must be mysql:\/\/user:password@host:port\/database or postgres/);
    },
  );

  it('is described without who and with what password', () => {
    expect(describePlace(argoPlaceFromUrl('mysql://u:secret@db/argo'))).toBe('mysql db:3306/argo');
  });
});
