import { expect, it } from 'vitest';
import { calledResource } from './called-resource.js';

it.each([
  ['GET', '/api/v1/namespaces/lab/pods/p', {}, 'get', '', 'pods'],
  ['GET', '/api/v1/namespaces/lab/pods/p/log', {}, 'get', '', 'pods/log'],
  ['GET', '/api/v1/pods', { watch: true }, 'watch', '', 'pods'],
  ['GET', '/apis/argoproj.io/v1alpha1/namespaces/lab/workflows', {}, 'list', 'argoproj.io', 'workflows'],
  ['POST', '/apis/argoproj.io/v1alpha1/namespaces/lab/workflows', {}, 'create', 'argoproj.io', 'workflows'],
  ['PATCH', '/apis/argoproj.io/v1alpha1/namespaces/lab/workflows/w', {}, 'patch', 'argoproj.io', 'workflows'],
  ['DELETE', '/api/v1/namespaces/lab/secrets', {}, 'deletecollection', '', 'secrets'],
  ['DELETE', '/api/v1/namespaces/lab', {}, 'delete', '', 'namespaces'],
] as const)('%s %s %o needs the right to %s', (...[method, path, query, verb, group, resource]) => {
  expect(calledResource({ method, path, query })).toEqual({ verb, group, resource });
});
