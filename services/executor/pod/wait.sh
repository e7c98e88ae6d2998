# Waits for the main containers and captures what they leave; runs in the container `wait` (busybox sh).
# In: variables ARGOSY_* (libs/pod-spec, executor-variables.ts), files of the wrappers. Out: the report, as base64 of a gzipped tar with `result`, `parameters/<index>`
# and, where artifacts move, `report.json`: in the termination message (`argosy report <length> <base64>`) if it fits, else in a WorkflowTaskResult (`argosy result <uid>`), or,
# where that may not be written or would be too large, as the last line of the log (`argosy log <length>`).
# Ends with 0, or 64 where an output is missing. Asked to end, it still waits for the mains that have begun and captures: the kubelet's grace period bounds it.
here=${0%/*}
bb=$here/busybox
shared=/var/run/argo
work=/tmp/argosy
asked=
pid=
trap 'asked=$(date +%s); [ -z "$pid" ] || kill -TERM $pid' TERM INT

# Programs begin only now: where this container could not be started nothing has run.
: > $shared/follower
for pipe in $shared/ctr/*/news; do echo begun 1<> "$pipe"; done

limit=4000
[ "$(printf '%s\n' "${ARGOSY_CONTAINERS:-}" | wc -l)" -le 2 ] || limit=1000

names() {
  printf '%s\n' "${ARGOSY_CONTAINERS:-}" | while read -r name role keep; do [ "$role" != main ] || echo "$name"; done
}

# A wrapper that was killed leaves no exit code; its end is seen by its end of the pipe.
for name in $(names); do
  own=$shared/ctr/$name
  (
    trap '' TERM INT
    $bb cat < "$own/alive" > /dev/null
    [ -e "$own/exitcode" ] || { echo 137 > "$own/exitcode.lost" && mv "$own/exitcode.lost" "$own/exitcode"; echo lost 1<> $shared/news; }
  ) &
done

ended() {
  for name in $(names); do
    [ -e "$shared/ctr/$name/exitcode" ] || { [ -n "$asked" ] && [ ! -e "$shared/ctr/$name/started" ]; } || return 1
  done
}

# The program's progress goes to the pod's annotation now and then, if the pod's account may write it.
ticker=
if [ -n "${ARGOSY_PROGRESS_SECONDS:-}" ]; then
  (
    trap '' TERM INT
    told=
    while sleep "$ARGOSY_PROGRESS_SECONDS"; do
      now=$(tail -n 1 $shared/progress 2> /dev/null)
      [ -n "$now" ] && [ "$now" != "$told" ] && "$here/executor" progress 2> /dev/null && told=$now
    done
  ) &
  ticker=$!
fi

exec 3<> $shared/news
until ended; do read -r -t 1 line <&3; done
[ -z "$ticker" ] || kill -KILL $ticker

main=$shared/ctr/$ARGOSY_OUTPUT_CONTAINER
mkdir -p $work/parameters
code=0
if [ "${ARGOSY_MOVES:-}" = true ]; then
  pause=1
  while :; do
    told=$asked
    ASKED_TO_END_AT=$told "$here/executor" wait --report $work/report.json 2> $work/trouble &
    pid=$!
    [ "$asked" = "$told" ] || kill -TERM $pid
    # A signal ends the waiting, not the program.
    while wait $pid; code=$?; kill -0 $pid 2> /dev/null; do :; done
    pid=
    cat $work/trouble >&2
    # Without a word it was killed by the signal before it could hear one.
    [ $code = 143 ] && [ ! -s $work/trouble ] && continue
    [ $code = 75 ] || break
    sleep $pause
    pause=$((pause < 30 ? pause * 2 : 30))
  done
  if [ ! -e $work/report.json ]; then
    [ -s $work/trouble ] || echo "the program that saves outputs ended with $code: it may have been killed for its memory" > $work/trouble
    head -c 3000 $work/trouble > $work/trouble.txt
  fi
else
  [ "${ARGOSY_RESULT:-}" != true ] || [ ! -e "$main/stdout" ] || tail -c 262145 "$main/stdout" > $work/result
  for file in $shared/outputs/parameters/*; do [ ! -e "$file" ] || cp -R "$file" $work/parameters/; done
  printf '%s\n' "${ARGOSY_MIRRORED:-}" | while read -r index file; do
    [ -n "$file" ] && [ -e "$file" ] || continue
    if [ -d "$file" ]; then mkdir -p "$work/parameters/$index"; else head -c 1048577 "$file" > "$work/parameters/$index"; fi
  done
fi
rm -f $work/trouble

tar -C $work -cf - . | gzip -c | base64 -w 0 > /tmp/argosy-report
size=$(wc -c < /tmp/argosy-report)
uid=
[ "$size" -le $limit ] || uid=$("$here/executor" result --report $work/report.json 2> /dev/null) || uid=
if [ "$size" -le $limit ]; then
  { printf 'argosy report %s ' "$size"; cat /tmp/argosy-report; } > /dev/termination-log
elif [ -n "$uid" ]; then
  printf 'argosy result %s' "$uid" > /dev/termination-log
else
  cat /tmp/argosy-report
  echo
  printf 'argosy log %s' "$size" > /dev/termination-log
fi
exit $code
