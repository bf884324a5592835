#!/bin/bash
# unsaved.sh - work that cannot be saved, since the disk is full or the quarantine is broken, stays where it is and is saved when that is over.
# shellcheck disable=SC2016 # the commands are for the variants' shell
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

cd "$(toy_repo)" || exit 1

new_conductor() {
	local pid
	pid=$(conductor_pid "$state")
	kill -9 "$pid"
	wait_for '[ ! -e /proc/'"$pid"' ]'
}

of() { # VARIANT FIELD
	"$YOLO" ls --json | jq -r ".rows[] | select(.variant == \"$1\") | .$2"
}

# ---- the quarantine is away ----

race=$("$YOLO" run --engine fake --allow-unlimited --name lost -n 2 --parallel 2 --check '[ "$(cat done.txt)" = 1 ]' -d -- \
	sh -c 'echo "$YOLO_INDEX" >done.txt; while [ ! -e go ]; do sleep 0.02; done; rm go' 2>/dev/null)
state=$(state_dir)
dir=$state/races/$race
wait_ok "both run" '[ -e "$dir/lost-1/work/done.txt" ] && [ -e "$dir/lost-2/work/done.txt" ]'
mv "$dir/q.git" "$dir/away"
: >"$dir/lost-1/work/go"
: >"$dir/lost-2/work/go"
timeout 60 "$YOLO" wait "$race" >"$T/out" 2>&1
is "$? $(of lost-1 state) $(of lost-2 state)" "1 failed failed" "what cannot be saved has not passed"
like "$("$YOLO" show "$race/1")" 'reason +exit 0; saving failed: .*its files stay in .*/lost-1/work, and yolodeck saves them' "the reason says where the work is"
is "$(cat "$dir/lost-1/work/done.txt" "$dir/lost-2/work/done.txt" | tr '\n' ' ')" "1 2 " "it is there"
refused "promote of it is refused" 1 "$YOLO" promote "$race/1" -y
new_conductor
wait_ok "a new conductor tries again, and says the same" '[[ $("$YOLO" show "$race/1") == *"saving failed"* ]]'
mv "$dir/away" "$dir/q.git"
new_conductor
wait_ok "what is saved then passes" '[ "$(of lost-1 state)" = passed ]'
wait_ok "or fails by its check" '[ "$(of lost-2 state)" = failed ] && [[ $("$YOLO" show "$race/2") != *saving* ]]'
is "$(git show "yolo/$race/lost-1:done.txt") $(git show "yolo/$race/lost-2:done.txt")" "1 2" "both branches hold the work"
is "$(of lost-1 check.state)" passed "and the check was made"
check "it can be promoted" "$YOLO" promote "$race/1" -y
is "$(cat done.txt)" 1 "and is the user's now"

# ---- a full disk ----

if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	skip "a full disk" "a small file system needs root"
	done_testing
	exit
fi
cat >"$T/full.sh" <<'FULL'
mount -t tmpfs -o size=20m tmpfs "$XDG_STATE_HOME" || exit 90
race=$("$YOLO" run --engine fake --allow-unlimited --name full -n 1 -d -- sh -c 'echo mine >mine.txt; head -c 50000000 /dev/urandom >big; echo "rest $?"; touch ended')
"$YOLO" wait "$race"
"$YOLO" show "$race/1"
rm "$XDG_STATE_HOME"/yolodeck/*/races/"$race"/*/work/big
kill -9 "$(conductor_pid "$(echo "$XDG_STATE_HOME"/yolodeck/*)")" || exit 91
"$YOLO" ls
timeout 60 "$YOLO" wait "$race"
"$YOLO" show "$race/1"
"$YOLO" log "$race/1"
kill "$(conductor_pid "$(echo "$XDG_STATE_HOME"/yolodeck/*)")"
FULL
mkdir -p "$T/full-state"
export -f conductor_pid
out=$(XDG_STATE_HOME=$T/full-state unshare -m bash "$T/full.sh" 2>&1)
like "$out" 'saving failed: .*(diskspace|No space).*its files stay in' "a full disk: the work is not saved, and where it is is said" || printf '# %s\n' "$out"
like "$out" $'reason +exit 0\n' "with room again the next conductor saves it"
is "$(git show "yolo/2/full:mine.txt" 2>&1)" mine "it is on its branch" || printf '# %s\n' "$out"
done_testing
