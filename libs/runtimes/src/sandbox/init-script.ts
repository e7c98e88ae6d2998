import { SANDBOX_ABILITIES } from '../abilities.js';
import type { DebugPause } from '../debug-pause.js';
import { shellQuote } from './shell-text.js';

/** Full paths of the programs of the host that the sandbox starts; `setpriv` and `nsenter` may be absent. */
export interface HostTools {
  sh: string;
  unshare: string;
  mount: string;
  umount: string;
  pivotRoot: string;
  mkfifo: string;
  setpriv?: string;
  nsenter?: string;
  /** Shell command that brings the loopback device up; absent where pods cannot have a network of their own. */
  loopback?: string;
}

/** Who the program is; absent fields: the pod's root with the capabilities that every pod has. */
export interface ProgramIdentity {
  user?: { uid: number; gid: number };
  groups?: readonly number[];
  capabilities?: readonly string[];
}

export interface InitScriptInput {
  tools: HostTools;
  hostName: string;
  environment: ReadonlyMap<string, string>;
  workingDir: string;
  commandLine: readonly string[];
  /** Standard output goes to a file of its own as well. */
  separateStdout: boolean;
  /** The pod was started in a network namespace of its own. */
  ownNetwork?: boolean;
  /** When the pod is ended, in hundredths of a second since boot (an absolute time, so that staging counts); absent: never. */
  deadlineCentiseconds?: number;
  graceSeconds: number;
  identity?: ProgramIdentity;
  /** Programs of the host that the image does not have. */
  absentPrograms?: readonly string[];
  /** Anonymous memory of all processes together beyond which the container is killed. */
  memoryLimitBytes?: number;
  /** Standard input is a pipe on which nobody writes, instead of its end. */
  hasStdin?: boolean;
  /** Run inside the container: after the start of the program, and before it gets TERM. */
  postStart?: readonly string[];
  preStop?: readonly string[];
  /** Starts of the program after an end other than 0. */
  retry?: { retries: number; durationMs: number };
  /** Files of the container that somebody makes before its program begins, or before its end is taken: to look into it meanwhile. */
  pause?: DebugPause;
  /** One of several containers: signals come as words through the pipe that is file descriptor 3. */
  isMember?: boolean;
}

/** What Argo's executor ends with where it cannot start the program. */
export const ABSENT_EXIT = 64;

/** Exit codes of the init itself, for `unshare`'s parent; the container's own end stands in the file `exit`. */
export const InitExit = { claimed: 120, setup: 121 } as const;

const MEMORY_LOOK_SECONDS = '0.05';
const PAGE_BYTES = 4096;

/**
 * The first process of a container: a POSIX shell script without any program of ours, process 1 of its pid namespace.
 *
 * Files beside it (file descriptor 9 is the container's folder, which is not reachable from inside after the switch of the root):
 * `claim` is made with O_EXCL before anything else, so that one init at most ever runs it, and holds "host pid, start time,
 * uptime"; `exit` is written once, in one write that ends in the word `end`, after the last byte of the log, over blanks that were laid
 * there before: so an end is recorded on a full disk too.
 * States: claimed → rooted → running → ending → recorded. Killed before `recorded`: no `exit` file, the pod counts as lost.
 *
 * TERM (from the runtime): forwarded to all processes, KILL after the grace period that stands in the file `terminate`.
 * USR1 (own timer): the deadline. USR2 (own timer): the grace period is over. ALRM (own watcher): too much memory. The program's
 * output runs through a pipe, because a program that opens /dev/stdout anew would cut off a file.
 */
export function initScript(input: InitScriptInput): string {
  return [
    'set -u',
    'umask 022',
    claimPart(),
    networkPart(input),
    setupPart(input),
    endingPart(input),
    memberPart(input),
    mainPart(input),
    watchPart(input),
    waitPart(input),
  ].join('\n');
}

/** Claims the folder in which the script was started, and defines how an end is recorded. */
export function claimPart(): string {
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
  echo "$1 $2 $uptime end" 1<>$D/exit
}
give_up() {
  echo "$1" >&2
  record setup ${InitExit.setup}
  exit ${InitExit.setup}
}`;
}

/** Makes the loopback device of a pod with a network of its own work, before anything of the pod runs. */
export function networkPart({ tools, ownNetwork }: Pick<InitScriptInput, 'tools' | 'ownNetwork'>): string {
  if (ownNetwork !== true) return ':';
  return `${tools.loopback ?? 'false'} || give_up 'the loopback device of the pod could not be brought up'`;
}

export function hostNamePart(hostName: string): string {
  return `{ echo ${shellQuote(hostName)} >/proc/sys/kernel/hostname; } 2>/dev/null || :`;
}

function setupPart({ tools, hostName, separateStdout, hasStdin, isMember }: InitScriptInput): string {
  const pipes = [...(separateStdout ? ['out', 'err'] : ['out']), ...(hasStdin === true ? ['in'] : [])].join(' ');
  return `${isMember === true ? ':' : hostNamePart(hostName)}
${shellQuote(tools.mkfifo)} -m 666 ${pipes} || give_up 'cannot make the pipes of the log'
why=exited
cats=
kept=
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
${hasStdin === true ? 'exec 6<>in' : 'exec 6</dev/null'}
${shellQuote(tools.mount)} -a -T fstab || give_up 'the mounts of the pod failed'
cd root && ${shellQuote(tools.pivotRoot)} . . && ${shellQuote(tools.umount)} -l . && cd / || give_up 'the root of the pod could not be switched'`;
}

function endingPart(input: InitScriptInput): string {
  const { graceSeconds, preStop } = input;
  const term =
    preStop === undefined
      ? 'others -TERM'
      : `( trap '' TERM; ${hook(input, preStop)}; read -r self rest </proc/self/stat; kept="$kept $self"; others -TERM ) 4>&- 5>&- 6<&- &`;
  // The program itself comes first: a shell whose child is ended before it would go on.
  return `main=
others() {
  [ -z "$main" ] || kill "$1" "$main" 2>/dev/null
  for entry in /proc/[0-9]*; do
    case "$cats$kept 1 " in *" \${entry#/proc/} "*) ;; *) kill "$1" "\${entry#/proc/}" 2>/dev/null ;; esac
  done
}
end_by() {
  interrupted=1
  grace=${graceSeconds}
  [ -f $D/terminate ] && read -r grace <$D/terminate
  ( trap '' TERM; exec 9<&-; sleep "$grace" && kill -USR2 1 ) >/dev/null 2>&1 4>&- 5>&- 6<&- &
  kept="$kept $!"
  ${term}
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
trap 'interrupted=1; why=oom; others -KILL' ALRM
trap deadline USR1`;
}

/** Words of the pod's own first process become signals of this one. */
function memberPart({ isMember }: InitScriptInput): string {
  if (isMember !== true) return ':';
  return `( trap '' TERM; exec 9<&- 4>&- 5>&- 6<&-; while read -r word; do kill -s "$word" 1; done <&3 ) >/dev/null 2>&1 &
kept="$kept $!"
exec 3<&-`;
}

function mainPart(input: InitScriptInput): string {
  const { tools, environment, workingDir, commandLine, deadlineCentiseconds, postStart } = input;
  const exports = [...environment].map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  const command = commandLine.map(shellQuote).join(' ');
  const folder = shellQuote(workingDir);
  return `interrupted=
ends=0
[ -f $D/terminate ] && { record terminated 143; exit 143; }
in_container() {
  trap - TERM USR1 USR2 ALRM
  ${exports.join('\n  ')}
  exec 9<&- 6<&- 4>&- 5>&- </dev/null
  cd ${folder} 2>/dev/null
}
begin() {
(
  trap - TERM USR1 USR2 ALRM
  ${exports.join('\n  ')}
  ${lookup(commandLine[0] ?? '', input.absentPrograms ?? [])}
  exec 9<&- <&6 6<&- >&5 2>&4 4>&- 5>&-
  cd ${folder} 2>/dev/null || { mkdir -p ${folder} && cd ${folder}; } || exit 1
  ${pausedProgram(input, `${asProgram(tools, input.identity ?? {})}${command}`)}
) &
main=$!
}
begin
${postStart === undefined ? '' : `( ${hook(input, postStart)} || kill -TERM 1 ) 4>&- 5>&- 6<&- &`}
${
  deadlineCentiseconds === undefined
    ? ''
    : `ends=${Math.round(deadlineCentiseconds)}
read -r now rest </proc/uptime
left=$((ends - \${now%.*}\${now#*.}))
[ "$left" -gt 0 ] || left=0
hundredths=$((left % 100))
( trap - TERM; exec 9<&-; sleep "$((left / 100)).$((hundredths / 10))$((hundredths % 10))" && kill -USR1 1 ) >/dev/null 2>&1 4>&- 5>&- 6<&- &`
}`;
}

/** Any time may pass; what ends the pod ends the waiting as well. */
const awaitFile = (file: string): string =>
  `mkdir -p ${shellQuote(file.slice(0, file.lastIndexOf('/')))}; while [ ! -e ${shellQuote(file)} ]; do sleep 0.2; done`;

/** The program in place of this shell; where its end is waited for, below it. */
function pausedProgram({ pause = {} }: InitScriptInput, program: string): string {
  const first = pause.before === undefined ? '' : `${awaitFile(pause.before)}\n  `;
  if (pause.after === undefined) return `${first}exec ${program}`;
  return `${first}${program}\n  code=$?\n  ${awaitFile(pause.after)}\n  exit "$code"`;
}

/** A command beside the program, with its environment and its rights; what it prints goes nowhere. */
function hook({ tools, identity }: InitScriptInput, command: readonly string[]): string {
  return `( in_container; exec ${asProgram(tools, identity ?? {})}${command.map(shellQuote).join(' ')} ) >/dev/null 2>&1`;
}

function asProgram(
  { setpriv }: HostTools,
  { user, groups = [], capabilities = SANDBOX_ABILITIES.capabilities }: ProgramIdentity,
): string {
  if (setpriv === undefined) return '';
  const bounding = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const who =
    user === undefined
      ? groups.length === 0
        ? ''
        : `--groups=${groups.join(',')} `
      : `--reuid=${user.uid} --regid=${user.gid} ${groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`} `;
  return `${shellQuote(setpriv)} ${who}--no-new-privs --inh-caps=-all --bounding-set=${bounding} -- `;
}

/** A name that is in no folder of PATH ends the pod as Argo's executor does: 64, and the file `absent` says which. Shell builtins do not count. */
function lookup(program: string, absent: readonly string[]): string {
  const name = shellQuote(program);
  if (absent.includes(program)) return `{ echo ${name} >$D/absent; exit ${ABSENT_EXIT}; }`;
  if (program === '' || program.includes('/')) return '';
  return `( IFS=:; set -f; for folder in $PATH; do [ -f "\${folder:-.}/"${name} ] && [ -x "\${folder:-.}/"${name} ] && exit 0; done; exit 1 ) || { echo ${name} >$D/absent; exit ${ABSENT_EXIT}; }`;
}

/** Memory that only these processes have: what is resident, without what files and shared memory lend. */
function watchPart({ memoryLimitBytes }: InitScriptInput): string {
  if (memoryLimitBytes === undefined) return ':';
  const pages = Math.floor(memoryLimitBytes / PAGE_BYTES);
  return `( trap '' TERM; exec 9<&-
while sleep ${MEMORY_LOOK_SECONDS}; do
  pages=0
  for entry in /proc/[0-9]*; do
    { read -r size resident shared rest <"$entry/statm"; } 2>/dev/null && pages=$((pages + resident - shared))
  done
  [ "$pages" -le ${pages} ] || { kill -ALRM 1; exit; }
done ) >/dev/null 2>&1 4>&- 5>&- 6<&- &
kept="$kept $!"`;
}

function waitPart({ retry }: InitScriptInput): string {
  const again = `[ "$code" -ne 0 ] && [ "$why" = exited ] && [ "$attempt" -lt ${retry?.retries ?? 0} ] || break
  attempt=$((attempt + 1))
  sleep ${((retry?.durationMs ?? 0) / 1000).toFixed(3)} &
  pause=$!
  kept="$kept $pause"
  wait "$pause"
  [ "$why" = exited ] || break
  begin`;
  return `attempt=0
while :; do
  while :; do
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
  ${retry === undefined ? 'break' : again}
done
exec 4>&- 5>&- 6<&-
trap '' TERM USR1 USR2 ALRM
kept=
others -KILL
others -KILL
for cat in $cats; do wait "$cat"; done
record "$why" "$code"
exit 0
`;
}
