import { spawnSync } from 'node:child_process';

import type { HostTools } from './init-script.js';
import { shellQuote } from './shell-text.js';

const TRIAL_LIMIT_MS = 5_000;
/** `ioctl` 0x8914 is SIOCSIFFLAGS, 1 the flag "up", on a socket of AF_INET (2): the same on every architecture. */
const PERL_SOURCE =
  'socket(S, 2, 2, 0) || socket(S, 2, 1, 0) or exit 1; $r = pack("a16sx22", "lo", 1); ioctl(S, 0x8914, $r) or exit 1';
const PYTHON_SOURCE = 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))';

/** Programs that bring the loopback device up, cheapest first. */
const WAYS: readonly { program: string; args: readonly string[] }[] = [
  { program: 'ip', args: ['link', 'set', 'lo', 'up'] },
  { program: 'busybox', args: ['ip', 'link', 'set', 'lo', 'up'] },
  { program: 'perl', args: ['-e', PERL_SOURCE] },
  { program: 'python3', args: ['-c', PYTHON_SOURCE] },
];

/**
 * The shell command that brings the loopback device of a network namespace up, tried in one. Undefined where pods cannot have a network of
 * their own here: no such namespaces, no program for the device, or no `nsenter` by which somebody outside would reach them.
 */
export function findLoopback(
  tools: HostTools,
  userNamespace: boolean,
  find: (program: string) => string | undefined,
): string | undefined {
  if (tools.nsenter === undefined) return undefined;
  const namespaces = [...(userNamespace ? ['-U', '-r'] : []), '-n'];
  return WAYS.flatMap(({ program, args }) => {
    const file = find(program);
    return file === undefined ? [] : [[file, ...args].map(shellQuote).join(' ')];
  }).find((command) => {
    const options = { stdio: 'ignore' as const, timeout: TRIAL_LIMIT_MS };
    return spawnSync(tools.unshare, [...namespaces, tools.sh, '-c', command], options).status === 0;
  });
}
