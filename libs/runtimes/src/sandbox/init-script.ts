import { shellQuote } from './shell-text.js';

/** Full paths of the programs of the host that the init starts; `setpriv` may be absent. */
export interface HostTools {
  sh: string;
  unshare: string;
  mount: string;
  umount: string;
  pivotRoot: string;
  mkfifo: string;
  setpriv?: string;
}

export interface InitScriptInput {
  tools: HostTools;
  hostName: string;
  environment: ReadonlyMap<string, string>;
  workingDir: string;
  commandLine: readonly string[];
  /** Standard output goes to a file of its own as well. */
  separateStdout: boolean;
  /** When the pod is ended, in hundredths of a second since boot (an absolute time, so that staging counts); absent: never. */
  deadlineCentiseconds?: number;
  graceSeconds: number;
}

/** What Argo's executor ends with where it cannot start the program. */
export const ABSENT_EXIT = 64;

/** Exit codes of the init itself, for `unshare`'s parent; the container's own end stands in the file `exit`. */
export const InitExit = { claimed: 120, setup: 121 } as const;

/** What a container may still do as its own root: own files, change user, bind low ports. No mounts, no devices, no tracing. */
const KEPT_CAPABILITIES = ['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'net_bind_service'];

/**
 * The first process of a pod: a POSIX shell script without any program of ours, process 1 of its pid namespace.
 *
 * Files beside it (file descriptor 9 is the pod's folder, which is not reachable from inside after the switch of the root):
 * `claim` is made with O_EXCL before anything else, so that one init at most ever runs this pod, and holds "host pid, start time,
 * uptime"; `exit` is written once, in one write that ends in the word `end`, after the last byte of the log.
 * States: claimed → rooted → running → ending → recorded. Killed before `recorded`: no `exit` file, the pod counts as lost.
 *
 * TERM (from the runtime): forwarded to all processes, KILL after the grace period that stands in the file `terminate`.
 * USR1 (own timer): the deadline. USR2 (own timer): the grace period is over. The program's output runs through a pipe, because
 * a program that opens /dev/stdout anew would cut off a file.
 */
export function initScript(input: InitScriptInput): string {
  return ['set -u', 'umask 022', claimPart(), setupPart(input), endingPart(input), mainPart(input), waitPart()].join('\n');
}

function claimPart(): string {
  return `exec 9<.
D=/proc/self/fd/9
read -r hostpid rest </proc/self/stat
set -- $rest
read -r uptime rest </proc/uptime
set -C
{ echo "$hostpid \${21} $uptime" >claim; } 2>/dev/null || exit ${InitExit.claimed}
set +C
record() {
  read -r uptime rest </proc/uptime
  echo "$1 $2 $uptime end" >$D/exit
}
give_up() {
  echo "$1" >&2
  record setup ${InitExit.setup}
  exit ${InitExit.setup}
}`;
}

function setupPart({ tools, hostName, separateStdout }: InitScriptInput): string {
  const pipes = separateStdout ? 'out err' : 'out';
  return `{ echo ${shellQuote(hostName)} >/proc/sys/kernel/hostname; } 2>/dev/null || :
${shellQuote(tools.mkfifo)} -m 600 ${pipes} || give_up 'cannot make the pipes of the log'
why=exited
cats=
exec 7>>log
${
  separateStdout
    ? `: >stdout
( trap '' TERM; exec 9<&-; exec tee -a stdout <out >&7 ) & cats=" $!"
( trap '' TERM; exec 9<&-; exec cat <err >&7 ) & cats="$cats $!"
exec 5>out 4>err`
    : `( trap '' TERM; exec 9<&-; exec cat <out >&7 ) & cats=" $!"
exec 5>out 4>&5`
}
exec 7>&-
${shellQuote(tools.mount)} -a -T fstab || give_up 'the mounts of the pod failed'
cd root && ${shellQuote(tools.pivotRoot)} . . && ${shellQuote(tools.umount)} -l . && cd / || give_up 'the root of the pod could not be switched'`;
}

function endingPart({ graceSeconds }: InitScriptInput): string {
  return `others() {
  for entry in /proc/[0-9]*; do
    case "$cats 1 " in *" \${entry#/proc/} "*) ;; *) kill "$1" "\${entry#/proc/}" 2>/dev/null ;; esac
  done
}
end_by() {
  interrupted=1
  grace=${graceSeconds}
  [ -f $D/terminate ] && read -r grace <$D/terminate
  others -TERM
  ( trap - TERM; exec 9<&-; sleep "$grace" && kill -USR2 1 ) >/dev/null 2>&1 4>&- 5>&- &
}
deadline() {
  interrupted=1
  read -r now rest </proc/uptime
  [ "\${now%.*}\${now#*.}" -lt "$ends" ] && return
  [ "$why" = exited ] && why=deadline
  end_by
}
trap 'why=\${why%exited}; why=\${why:-terminated}; end_by' TERM
trap 'interrupted=1; others -KILL' USR2
trap deadline USR1`;
}

function mainPart({ tools, environment, workingDir, commandLine, deadlineCentiseconds }: InitScriptInput): string {
  const exports = [...environment].map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  const command = commandLine.map(shellQuote).join(' ');
  const capabilities = KEPT_CAPABILITIES.map((name) => `+${name}`).join(',');
  const dropped = `--no-new-privs --inh-caps=-all --bounding-set=-all,${capabilities} --`;
  const exec = tools.setpriv === undefined ? `exec ${command}` : `exec ${shellQuote(tools.setpriv)} ${dropped} ${command}`;
  return `interrupted=
ends=0
[ -f $D/terminate ] && { record terminated 143; exit 143; }
(
  trap - TERM USR1 USR2
  ${exports.join('\n  ')}
  ${lookup(commandLine[0] ?? '')}
  exec 9<&- >&5 2>&4 4>&- 5>&- </dev/null
  cd ${shellQuote(workingDir)} 2>/dev/null || { mkdir -p ${shellQuote(workingDir)} && cd ${shellQuote(workingDir)}; } || exit 1
  ${exec}
) &
main=$!
exec 4>&- 5>&-
${
  deadlineCentiseconds === undefined
    ? ''
    : `ends=${Math.round(deadlineCentiseconds)}
read -r now rest </proc/uptime
left=$((ends - \${now%.*}\${now#*.}))
[ "$left" -gt 0 ] || left=0
hundredths=$((left % 100))
( trap - TERM; exec 9<&-; sleep "$((left / 100)).$((hundredths / 10))$((hundredths % 10))" && kill -USR1 1 ) >/dev/null 2>&1 &`
}`;
}

/** A name that is in no folder of PATH ends the pod as Argo's executor does: 64, and the file `absent` says which. Shell builtins do not count. */
function lookup(program: string): string {
  if (program === '' || program.includes('/')) return '';
  const name = shellQuote(program);
  return `( IFS=:; set -f; for folder in $PATH; do [ -f "\${folder:-.}/"${name} ] && [ -x "\${folder:-.}/"${name} ] && exit 0; done; exit 1 ) || { echo ${name} >$D/absent; exit ${ABSENT_EXIT}; }`;
}

function waitPart(): string {
  return `while :; do
  interrupted=
  wait "$main"
  code=$?
  [ -n "$interrupted" ] || break
  kill -0 "$main" 2>/dev/null && continue
  wait "$main"
  again=$?
  [ "$again" -eq 127 ] || code=$again
  break
done
trap '' TERM USR1 USR2
others -KILL
others -KILL
for cat in $cats; do wait "$cat"; done
record "$why" "$code"
exit 0
`;
}
