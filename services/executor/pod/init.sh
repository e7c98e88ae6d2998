# Prepares the folder that the containers of a pod share; runs in the container `init` (busybox sh).
# In: variables ARGOSY_* (libs/pod-spec, executor-variables.ts), volumes as mounted. Out: files below /var/run/argo, the script, input artifacts.
# Ends with 0, or 64 and a message. Repeating it changes nothing.
here=${0%/*}
bb=$here/busybox
shared=/var/run/argo

set -eu
umask 0
mkdir -p $shared/ctr $shared/outputs/parameters $shared/outputs/artifacts
for file in busybox run; do
  $bb cp "$here/$file" "$shared/$file.new"
  chmod 755 "$shared/$file.new"
  mv "$shared/$file.new" "$shared/$file"
done

# One pipe for each that waits for others: a line in it says that something has ended. `alive` is held open while a wrapper lives.
[ -p $shared/news ] || mkfifo $shared/news
printf '%s\n' "${ARGOSY_CONTAINERS:-}" | while read -r name role keep; do
  [ -n "$name" ] || continue
  own=$shared/ctr/$name
  mkdir -p "$own"
  [ -p "$own/news" ] || mkfifo "$own/news"
  [ -p "$own/alive" ] || mkfifo "$own/alive"
  echo "$keep" > "$own/keep"
  echo "$role" > "$own/role"
  : > "$own/dependencies"
  if [ "$role" = main ]; then echo "$name" >> $shared/mains.new; fi
done
mv $shared/mains.new $shared/mains
printf '%s\n' "${ARGOSY_GRAPH:-}" | while read -r name before; do
  [ -z "$name" ] || echo "$before" >> "$shared/ctr/$name/dependencies"
done
echo "${ARGOSY_RETRY:-0 0}" > $shared/retry
[ "${ARGOSY_FOLLOWED:-}" != true ] || : > $shared/followed
echo "${ARGOSY_GRACE_SECONDS:-30}" > $shared/grace
[ -z "${ARGOSY_OUTPUT_CONTAINER:-}" ] || printf '%s\n' "${ARGOSY_OUTPUTS:-}" > "$shared/ctr/$ARGOSY_OUTPUT_CONTAINER/outputs"

if [ -n "${ARGOSY_SCRIPT_0+x}" ]; then
  : > /argo/staging/script.new
  part=0
  while eval "[ -n \"\${ARGOSY_SCRIPT_$part+x}\" ]"; do
    eval "printf '%s' \"\$ARGOSY_SCRIPT_$part\"" >> /argo/staging/script.new
    part=$((part + 1))
  done
  chmod 755 /argo/staging/script.new
  mv /argo/staging/script.new /argo/staging/script
fi

[ "${ARGOSY_MOVES:-}" = true ] || exit 0
set +e
umask 022
pause=1
while :; do
  message=$("$here/executor" init 2>&1 1>/dev/null)
  code=$?
  [ $code = 75 ] || break
  echo "$message; again in $pause s"
  sleep $pause
  pause=$((pause < 30 ? pause * 2 : 30))
done
[ -z "$message" ] || echo "$message"
[ $code = 0 ] || printf '%s' "$message" | head -c 4000 > /dev/termination-log
exit $code
