import type { Command } from 'commander';
import { NotFoundError, type Workflow } from '#libs/workflow-spec';
import { UsageError } from '../client/errors.js';
import type { CommandContext } from './context.js';

export const ARCHIVE_PATH = '/api/v1/archived-workflows';

/** How an argument is to be read; without either, what looks like a UID is one (Argo 4.1). */
export interface IdentityFlags {
  uid?: boolean;
  name?: boolean;
}

const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const addIdentityFlags = (command: Command): Command =>
  command.option('--uid', 'read arguments as UIDs').option('--name', 'read arguments as names');

/** The UID that an argument means: itself, or that of the newest archived workflow of this name. */
export const uidOf = async (context: CommandContext, argument: string, { uid, name }: IdentityFlags): Promise<string> => {
  if (uid && name) throw new UsageError('--uid and --name exclude each other');
  if (uid || (!name && UID.test(argument))) return argument;
  const { items } = await context.client.get<{ items: Workflow[] | null }>(ARCHIVE_PATH, {
    namespace: context.namespace,
    nameFilter: 'Exact',
    'listOptions.fieldSelector': `metadata.name=${argument}`,
    'listOptions.limit': '1',
  });
  const found = items?.[0]?.metadata.uid;
  if (found === undefined)
    throw new NotFoundError(`no archived workflow in namespace ${context.namespace} has the name ${argument}`);
  return found;
};

export const uidPath = (uid: string): string => `${ARCHIVE_PATH}/${encodeURIComponent(uid)}`;
