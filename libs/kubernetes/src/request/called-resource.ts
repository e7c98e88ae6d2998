import type { ApiRequest } from './exchange.js';

/** What a request needs a right for, in the words of roles. */
export interface CalledResource {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  verb: string;
  /** '' for the core. */
  group: string;
  /** `pods`, `pods/log`; '' where the request is about no resource. */
  resource: string;
}

/** `/api/v1/…` or `/apis/group/version/…`, perhaps a namespace, a plural, a name, a part of it. */
const PATH = /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/[^/]+(?=\/))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/;
const WRITES: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

/** Reads a request as the API server's authorizer does. */
export const calledResource = ({ method, path, query }: Pick<ApiRequest, 'method' | 'path' | 'query'>): CalledResource => {
  const [, group = '', plural = '', name, part] = PATH.exec(path) ?? [];
  const resource = part === undefined ? plural : `${plural}/${part}`;
  const isAll = name === undefined;
  if (method === 'GET') return { verb: query?.['watch'] === true ? 'watch' : isAll ? 'list' : 'get', group, resource };
  return { verb: WRITES[method] ?? (isAll ? 'deletecollection' : 'delete'), group, resource };
};
