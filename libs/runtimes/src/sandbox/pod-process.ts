import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { RuntimeUnavailableError } from '../errors.js';
import type { HostTools } from './init-script.js';
import { namespaceArguments } from './namespaces.js';

/** Names inside the pod's folder. */
export const INIT_SCRIPT = 'init.sh';
export const INIT_LOG = 'init.log';

/** Starts the init of a prepared pod in namespaces of its own and in a session of its own, so that it outlives this process. */
export async function launchInit(
  folder: string,
  tools: HostTools,
  userNamespace: boolean,
  ownNetwork = false,
): Promise<{ exited: Promise<number | null> }> {
  const log = openSync(`${folder}/${INIT_LOG}`, 'a', 0o600);
  try {
    const namespaces = namespaceArguments(userNamespace ? 'pod-of-user' : 'pod', ownNetwork);
    const child = spawn(tools.unshare, [...namespaces, tools.sh, INIT_SCRIPT], {
      cwd: folder,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', log, log],
      detached: true,
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(new RuntimeUnavailableError(`the pod's init could not be started: ${error.message}`, { cause: error })),
      );
    });
    child.unref();
    return { exited };
  } finally {
    closeSync(log);
  }
}
