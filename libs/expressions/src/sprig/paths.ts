import { newRecord, type GoRecord } from '../golang/values.js';
import { fail, recordAt, sprigFunction, textAt, toText, type SprigCall } from './arguments.js';

/** Go's path.Clean. */
function clean(path: string): string {
  if (path === '') return '.';
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push('..');
  }
  const joined = kept.join('/');
  return rooted ? `/${joined}` : joined === '' ? '.' : joined;
}

const directory = (path: string): string => clean(path.slice(0, path.lastIndexOf('/') + 1));

function base(path: string): string {
  if (path === '') return '.';
  const stripped = path.replace(/\/+$/, '');
  return stripped === '' ? '/' : stripped.slice(stripped.lastIndexOf('/') + 1);
}

function extension(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

const URL_PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function parseUrl(text: string): Record<string, unknown> {
  const match = URL_PARTS.exec(text);

  if (!match || /[\x00-\x1f\x7f]/.test(text)) return fail(`unable to parse url: parse "${text}": invalid URL`);
  const [, scheme = '', user = '', host = '', rest = '', query = '', fragment = ''] = match;
  const opaque = scheme !== '' && match[3] === undefined && !rest.startsWith('/');
  const decode = (part: string): string => part.replace(/%[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*/g, decodeSafely);
  return Object.assign(newRecord(), {
    scheme: scheme.toLowerCase(),
    host,
    hostname: host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    path: opaque ? '' : decode(rest),
    query,
    opaque: opaque ? rest : '',
    fragment: decode(fragment),
    userinfo: user,
  });
}

function decodeSafely(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function joinUrl(parts: GoRecord): string {
  const part = (name: string): string => (Object.hasOwn(parts, name) ? toText(parts[name]) : '');
  const user = part('userinfo');
  const authority = part('host') === '' && user === '' ? '' : `//${user === '' ? '' : `${user}@`}${part('host')}`;
  const scheme = part('scheme') === '' ? '' : `${part('scheme')}:`;
  const path = part('path');
  const slash = authority !== '' && path !== '' && !path.startsWith('/') ? '/' : '';
  const tail = (part('query') === '' ? '' : `?${part('query')}`) + (part('fragment') === '' ? '' : `#${part('fragment')}`);
  return part('opaque') === '' ? scheme + authority + slash + encodeURI(path) + tail : scheme + part('opaque') + tail;
}

const ofPath =
  (operation: (path: string) => unknown): SprigCall =>
  (args) =>
    operation(textAt(args, 0));

const PATHS: Readonly<Record<string, (path: string) => unknown>> = {
  base,
  dir: directory,
  clean,
  ext: extension,
  isAbs: (path) => path.startsWith('/'),
};

export const PATH_FUNCTIONS = [
  ...Object.entries(PATHS).flatMap(([name, operation]) => [
    sprigFunction(name, 's', ofPath(operation)),
    sprigFunction(`os${name.charAt(0).toUpperCase()}${name.slice(1)}`, 's', ofPath(operation)),
  ]),
  sprigFunction('urlParse', 's', (args) => parseUrl(textAt(args, 0))),
  sprigFunction('urlJoin', 'd', (args) => joinUrl(recordAt(args, 0))),
];
