import type { Command } from 'commander';
import { UsageError } from '../client/errors.js';
import { contextOf, wholeNumberOf, wordOf } from './context.js';

interface SyncFlags {
  type: string;
  cmName?: string;
  limit?: string;
}
interface SyncLimit {
  namespace?: string;
  cmName?: string;
  key: string;
  type?: string;
  limit?: number;
}

const TYPES = ['database', 'configmap'] as const;
const VERBS = [
  { verb: 'create', method: 'POST', about: 'write the limit of a semaphore' },
  { verb: 'get', method: 'GET', about: 'show the limit of a semaphore' },
  { verb: 'update', method: 'PUT', about: 'change the limit of a semaphore; who waits notices it' },
  { verb: 'delete', method: 'DELETE', about: 'remove the limit of a semaphore' },
] as const;
const DONE = { create: 'created', get: '', update: 'updated', delete: 'deleted' } as const;

const placeOf = (key: string, flags: SyncFlags): { type: string; cmName?: string; key: string } => {
  const type = wordOf('--type', TYPES, flags.type.toLowerCase()) ?? 'database';
  if (type === 'database') return { type: 'DATABASE', key };
  if (flags.cmName === undefined) throw new UsageError('--cm-name is needed with --type configmap');
  return { type: 'CONFIGMAP', cmName: flags.cmName, key };
};

const shown = ({ namespace = '', cmName, key, limit }: SyncLimit): string =>
  [
    ['Sync Limit Key', key],
    ...(cmName === undefined ? [] : [['ConfigMap Name', cmName]]),
    ['Namespace', namespace],
    ['Limit', String(limit ?? 0)],
  ]
    .map(([name = '', value = '']) => `${`${name}:`.padEnd(20)} ${value}`)
    .join('\n');

const addVerb = (group: Command, { verb, method, about }: (typeof VERBS)[number]): void => {
  const needsLimit = verb === 'create' || verb === 'update';
  const command = group
    .command(`${verb} <key>`)
    .description(about)
    .addHelpText('after', `\nExample:\n  argosy sync ${verb} my-key --type database${needsLimit ? ' --limit 3' : ''}`)
    .requiredOption('--type <type>', `where it is written: ${TYPES.join(' or ')}`)
    .option('--cm-name <name>', 'name of the ConfigMap');
  if (needsLimit) command.requiredOption('--limit <number>', 'most holders at a time');
  command.action(async (key: string, flags: SyncFlags, self: Command) => {
    const context = contextOf(self);
    const place = placeOf(key, flags);
    const path = `/api/v1/sync/${encodeURIComponent(context.namespace)}`;
    const keyed = `${path}/${encodeURIComponent(key)}`;
    const body = { ...place, limit: wholeNumberOf('--limit', flags.limit) };
    const query = new URLSearchParams({ type: place.type, ...(place.cmName === undefined ? {} : { cmName: place.cmName }) });
    if (method === 'POST' || method === 'PUT') {
      context.out(shown(await context.client.send<SyncLimit>(method, method === 'POST' ? path : keyed, body)));
    } else if (method === 'GET') {
      context.out(shown(await context.client.get<SyncLimit>(keyed, Object.fromEntries(query))));
    } else {
      await context.client.send('DELETE', `${keyed}?${query.toString()}`);
    }
    if (verb !== 'get') context.out(`Sync limit ${key} ${DONE[verb]}`);
  });
};

/** `sync create`, `get`, `update`, `delete`: limits of semaphores in the database or in ConfigMaps. */
export const addSync = (program: Command): void => {
  const group = program
    .command('sync')
    .description('limits of semaphores')
    .addHelpText('after', '\nExample:\n  argosy sync create my-key --type database --limit 3');
  for (const verb of VERBS) addVerb(group, verb);
};
