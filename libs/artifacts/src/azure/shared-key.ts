import { createHmac } from 'node:crypto';

/** A storage account and its key (base64). */
export interface AzureAccount {
  name: string;
  key: string;
}

/** What is signed: the address with its query, and the headers that will be sent (lower case). */
export interface SignedRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
}

/** Headers that stand in the signature at fixed places, after the method. */
const FIXED = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

/** The `authorization` header of Azure's storage services: "Shared Key", version 2015-02-21 and later. */
export function sharedKeyAuthorization(account: AzureAccount, { method, url, headers }: SignedRequest): string {
  const fixed = FIXED.map((name) => (name === 'content-length' && headers[name] === '0' ? '' : (headers[name] ?? '')));
  const own = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-ms-'))
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .map(([name, value]) => `${name}:${value}`);
  const query = [...new Set(url.searchParams.keys())]
    .sort()
    .map((name) => `${name}:${url.searchParams.getAll(name).sort().join(',')}`);
  const text = [method, ...fixed, ...own, `/${account.name}${url.pathname}`, ...query].join('\n');
  const signature = createHmac('sha256', Buffer.from(account.key, 'base64')).update(text, 'utf8').digest('base64');
  return `SharedKey ${account.name}:${signature}`;
}
