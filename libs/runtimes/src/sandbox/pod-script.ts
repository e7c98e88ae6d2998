import { SKIPPED_EXIT } from '../pod-ends.js';
import { claimPart, type HostTools, hostNamePart, networkPart } from './init-script.js';
import { namespaceArguments } from './namespaces.js';
import { shellQuote } from './shell-text.js';

/** The pipe through which the first process of a pod with several containers is told things, inside the pod's folder. */
export const EVENTS_PIPE = 'events';
/** Folder with a folder per container, inside the pod's folder. */
export const CONTAINERS_FOLDER = 'c';

/** A container as the pod's first process sees it. */
export interface ScriptedContainer {
  name: string;
  isMain: boolean;
  /** Indices (from 0) of those that must have ended with 0 before it starts. */
  dependencies: readonly number[];
}

export interface PodScriptInput {
  tools: HostTools;
  hostName: string;
  containers: readonly ScriptedContainer[];
  graceSeconds: number;
  /** The pod was started in a network namespace of its own. */
  ownNetwork?: boolean;
  deadlineCentiseconds?: number;
}

/**
 * The first process of a pod with several containers: process 1 of the pod's namespaces, which stays on the host's root and starts
 * each container's own init (see initScript) in a folder, a mount and a pid namespace of its own.
 *
 * It is told things by lines in the pipe `events`: `ended INDEX` (a container), `stop INDEX` (a probe failed), `terminate` (the
 * runtime, which has written the grace period into `terminate` before), `deadline` (own timer). Each container: waiting → running →
 * ended, or waiting → skipped where a dependency failed. When all mains have ended, the others get TERM, and KILL after the grace period.
 * `exit` is written when all have ended; what became of each stands in its own `exit`.
 */
export function podScript(input: PodScriptInput): string {
  return [
    'set -u',
    'umask 022',
    claimPart(),
    networkPart(input),
    hostNamePart(input.hostName),
    tablePart(input),
    startPart(input),
    advancePart(),
    endPart(input),
    loopPart(input),
  ].join('\n');
}

function tablePart({ tools, containers }: PodScriptInput): string {
  const pipes = containers.map(({ name }) => `${CONTAINERS_FOLDER}/${name}/control`);
  return `${shellQuote(tools.mkfifo)} -m 600 ${EVENTS_PIPE} ${pipes.join(' ')} || give_up 'cannot make the pipes of the pod'
exec 8<>${EVENTS_PIPE}
why=exited
swept=
asked=
count=${containers.length}
${containers
  .map(
    ({ name, isMain, dependencies }, index) =>
      `name_${index + 1}=${shellQuote(name)} main_${index + 1}=${isMain ? '1' : "''"} needs_${index + 1}='${dependencies
        .map((dependency) => dependency + 1)
        .join(' ')}' state_${index + 1}=waiting code_${index + 1}=`,
  )
  .join('\n')}`;
}

function startPart({ tools }: PodScriptInput): string {
  const unshare = [tools.unshare, ...namespaceArguments('container'), tools.sh, 'init.sh'].map(shellQuote).join(' ');
  return `launch() {
  eval "name=\\$name_$1 state_$1=running"
  ( exec 9<&-; cd "${CONTAINERS_FOLDER}/$name" || exit; exec 3<>control
    ${unshare} </dev/null >>init.log 2>&1 8>&-
    echo "ended $1" >&8 ) &
}
skip() {
  eval "name=\\$name_$1 state_$1=ended code_$1=$3"
  read -r uptime rest </proc/uptime
  echo "$2 $3 $uptime end" >"${CONTAINERS_FOLDER}/$name/exit"
}
stop() {
  eval "name=\\$name_$1 state=\\$state_$1"
  [ "$state" = running ] || return 0
  [ -f "${CONTAINERS_FOLDER}/$name/terminate" ] || echo "$grace" >"${CONTAINERS_FOLDER}/$name/terminate"
  echo TERM 1<>"${CONTAINERS_FOLDER}/$name/control"
}
ended() {
  eval "name=\\$name_$1 state_$1=ended"
  code=
  [ -f "${CONTAINERS_FOLDER}/$name/exit" ] && read -r reason code rest <"${CONTAINERS_FOLDER}/$name/exit"
  eval "code_$1=\${code:-137}"
}`;
}

function advancePart(): string {
  return `advance() {
  moved=1
  while [ -n "$moved" ]; do
    moved=
    i=0
    while [ "$i" -lt "$count" ]; do
      i=$((i + 1))
      eval "state=\\$state_$i needs=\\$needs_$i"
      [ "$state" = waiting ] || continue
      ready=1
      for need in $needs; do
        eval "state=\\$state_$need code=\\$code_$need"
        if [ "$state" != ended ]; then ready=; elif [ "$code" != 0 ]; then ready=failed; break; fi
      done
      case $ready in
        1) launch "$i"; moved=1 ;;
        failed) skip "$i" skipped ${SKIPPED_EXIT}; moved=1 ;;
      esac
    done
  done
}
settled() {
  mains=
  left=
  i=0
  while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    eval "state=\\$state_$i main=\\$main_$i"
    [ "$state" = ended ] && continue
    left=1
    [ -n "$main" ] && mains=1
  done
  [ -n "$left" ] || return 0
  [ -z "$mains$swept" ] && { swept=1; end_all; }
  return 1
}`;
}

function endPart({ graceSeconds }: PodScriptInput): string {
  return `grace=${graceSeconds}
end_all() {
  i=0
  while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    eval "state=\\$state_$i"
    case $state in
      running) stop "$i" ;;
      waiting) skip "$i" terminated 143 ;;
    esac
  done
}
terminated() {
  [ "$why" = exited ] && why=$1
  [ -f terminate ] && read -r grace <terminate
  asked=1
  end_all
}`;
}

function loopPart({ deadlineCentiseconds }: PodScriptInput): string {
  const timer =
    deadlineCentiseconds === undefined
      ? ''
      : `ends=${Math.round(deadlineCentiseconds)}
read -r now rest </proc/uptime
left=$((ends - \${now%.*}\${now#*.}))
[ "$left" -gt 0 ] || left=0
hundredths=$((left % 100))
( exec 9<&-; sleep "$((left / 100)).$((hundredths / 10))$((hundredths % 10))" && echo deadline >&8 ) >/dev/null 2>&1 &`;
  return `${timer}
[ -f terminate ] && terminated terminated
[ -n "$asked" ] || advance
while ! settled; do
  read -r event index <&8 || continue
  case $event in
    ended) ended "$index" ;;
    stop) stop "$index" ;;
    terminate) terminated terminated ;;
    deadline) terminated deadline ;;
  esac
  [ -n "$asked$swept" ] || advance
done
record "$why" 0
exit 0
`;
}
