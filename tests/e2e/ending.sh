#!/usr/bin/env bash
# ending.sh - a conductor ends while it saves: the deck's keys work, deck and command line say what is waited for, and both come back by themselves.
# timeout: 900
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

cd "$(toy_repo)" || exit 1
# A git in front of the real one that waits in fast-import (a snapshot) while `hold` is there.
real=$(command -v git)
cat >"$T/bin/git" <<GIT
#!/bin/sh
case "\$*" in *fast-import*) echo x >>$T/seen; while [ -e $T/hold ]; do sleep 0.02; done ;; esac
exec $real "\$@"
GIT
chmod +x "$T/bin/git"

race=$("$YOLO" run --engine fake --allow-unlimited --name slow -n 1 -d -- sh -c 'echo mine >mine.txt; until [ -e go ]; do sleep 0.02; done; rm go' 2>/dev/null)
state=$(state_dir)
term_start 100x30 env yolodeck
term_shows "it runs" '1 slow .*running'
touch "$T/hold"
rm -f "$T/seen"
touch "$state/races/$race/slow/work/go"
wait_ok "it is being saved" '[ -e "$T/seen" ] && [[ $("$YOLO" ls) == *saving* ]]' 60
pid=$(conductor_pid "$state")
kill -TERM "$pid"
term_shows "the deck says what is waited for" 'the last conductor is ending: saving 1/slow' 60
check "the old one is still at it" test -e "/proc/$pid"
before=${EPOCHREALTIME/./}
term_keys '?'
term_shows "? opens the help meanwhile" 'quit|Keys|help' 5
echo "# ? answered after $(((${EPOCHREALTIME/./} - before) / 1000)) ms"
term_keys Escape
"$YOLO" promote "$race/1" --dry-run >"$T/plan" 2>"$T/said" &
asked=$!
before=${EPOCHREALTIME/./}
wait_ok "the command line says it" 'grep -q "the last conductor is ending: saving 1/slow; waiting" "$T/said"' 60
echo "# said after $(((${EPOCHREALTIME/./} - before) / 1000)) ms"
check "status does not wait" timeout 30 "$YOLO" status
check "all that while it ends" test -e "/proc/$pid"
rm "$T/hold"
wait "$asked"
like "$(cat "$T/plan" "$T/said")" 'main|still' "the command is answered in the end"
wait_ok "the old one is gone" '[ ! -e "/proc/'"$pid"'" ]' 60
term_shows "the deck is back" 'is back|1 slow .*(passed|saving)' 60
"$YOLO" wait "$race" >/dev/null 2>&1
is "$(git show "yolo/$race/slow:mine.txt")" mine "the work is saved"
term_keys q
done_testing
