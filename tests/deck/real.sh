#!/usr/bin/env bash
# real.sh - the deck on the real conductor and the engine of the tests: a race from its start to promote and undo, and what survives.
# timeout: 1500
# shellcheck disable=SC2016 source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1 TZ=UTC

cd "$(toy_repo)" || exit 1
base=$(git rev-parse HEAD)
# 1 changes a file, 2 breaks the check, 3 and 4 run until they are stopped, one line every tenth of a second.
work='echo "hello from $YOLO_VARIANT"; echo "a warning" >&2
case $YOLO_INDEX in
1) echo "# one" >>src/add.sh ;;
2) echo "echo wrong" >src/add.sh ;;
*) n=0; while :; do n=$((n + 1)); echo "tick $n"; sleep 0.1; done ;;
esac'

term_start 100x30 env yolodeck
term_shows 'without a race the deck is not empty' 'No race yet'
like "$SCREEN" 'yolodeck demo' 'it says what to try'
"$YOLO" run --engine fake --allow-unlimited --name calc -n 4 --parallel 4 --check 'sh check.sh && echo "2 passed, 0 failed"' -d -- sh -c "$work" >"$T/number" 2>&1
term_shows 'a race that starts elsewhere comes up by itself' ' toy  race 1 calc  main [0-9a-f]{7}'
term_shows 'one passed' '1 calc-1 +. passed .* 2/2'
term_shows 'one failed' '2 calc-2 +. failed'
term_shows 'two run' '3 calc-3 +. running'
term_shows 'and their lines come' 'tick [0-9]+'


# ---- zoom and info
term_keys 3 Enter
term_shows 'the zoom has the log' '^[0-9:]{8} ▌a warning|^[0-9:]{8} +tick'
term_keys g
term_shows 'stderr has its mark' '^[0-9:]{8} ▌a warning'
term_keys i
term_shows 'Info knows the command' 'command +sh -c'
like "$SCREEN" 'isolation' 'and the isolation'
term_keys q

# ---- the conductor dies, the deck goes on
conductor=$(tail -n 1 "$T"/state/yolodeck/*/conductor.lock 2>/dev/null | grep -o '[0-9]*' | head -n 1)
conductor=${conductor:-$(sed -n 's/.* pid \([0-9]*\),.*/\1/p' "$T"/state/yolodeck/*/conductor.log | tail -n 1)}
kill -9 "$conductor"
term_shows 'the deck says that the conductor is gone, or has a new one already' 'conductor away|reconnected'
term_shows 'a new one is there' 'reconnected to the conductor'
before=$(grep -o 'tick [0-9]*' <<<"$SCREEN" | sort -k2n | tail -n 1)
wait_ok 'the lines go on' 'SCREEN=$(term_screen); [ "$(grep -o "tick [0-9]*" <<<"$SCREEN" | sort -k2n | tail -n 1)" != "'"$before"'" ]'
term_shows 'they still run' '3 calc-3 +. running'

# ---- kill
term_keys 3
term_wait '^▌ +3 calc-3|^▌.*3 calc-3'
term_keys x
term_shows 'x asks, and names it' 'kill 3 calc-3\?  running'
term_keys y
term_shows 'it is stopped' '3 calc-3 +. killed'
like "$("$YOLO" log 1/3 -n 1)" 'tick' 'its log is kept'
term_keys X
term_wait 'yes/N'
term_type yes
term_keys Enter
term_shows 'X and the word stop the rest' '4 calc-4 +. killed'
term_shows 'the race is over, and said so' 'race 1 over in .*best 1 calc-1. p promotes it'

# ---- promote and undo
term_keys 1 p
term_shows 'the plan of the promote' '┌ promote 1/1 calc-1 into main'
like "$SCREEN" 'src/add.sh +\+1 -0' 'with its files'
is "$(git rev-parse HEAD)" "$base" 'nothing has happened yet'
term_keys Enter
term_wait 'y promotes'
term_keys y
wait_ok 'y promotes' '[ "$(git rev-parse HEAD)" != "'"$base"'" ]'
like "$(git show HEAD:src/add.sh)" '# one' 'the work is on the branch'
like "$(cat src/add.sh)" '# one' 'and in the work tree'
term_shows 'the row says so' 'calc-1 .*in main'
term_keys U
term_shows 'U says what it takes back' 'undo\?.*main'
term_keys y
wait_ok 'and takes it back exactly' '[ "$(git rev-parse HEAD)" = "'"$base"'" ]'

# ---- a refusal
echo '# mine' >>src/add.sh
term_wait 'calc-1'
term_keys 1 p
term_shows 'dirt in the same file is refused by name' '│ cannot .*src/add.sh'
term_keys y
is "$(git rev-parse HEAD)" "$base" 'and y does nothing'
term_keys q
git checkout -q src/add.sh

# ---- archive, leave, return
term_keys 2
term_wait '^▌ +2 calc-2'
term_keys z
wait_ok 'z takes one off the deck' '! term_screen | grep -q "2 calc-2 "'
term_keys U
term_shows 'U brings it back' 'undo\?.*archive'
term_keys y
term_shows 'there it is' '2 calc-2 +. failed'
term_keys q
wait_ok 'q leaves' '[ "$(term_code)" = 0 ]'
tm kill-server
wait_for '! tm list-sessions 2>/dev/null'
term_start 80x24 yolodeck
term_shows 'the deck shows it all again' '4 calc-4 +. killed'
term_shows 'with the logs' 'hello from calc-1'
# ---- a new race from the deck
cat >"$T/bin/editor-of-the-test" <<'EDITOR'
#!/bin/sh
printf 'the editor has %s; press a key\n' "${1##*/}"
read -r key
echo '{ "name": "second", "engine": "fake", "limits": {}, "command": "echo from the second race", "repeat": 2 }' >"$1"
[ "$key" != empty ] || : >"$1"
EDITOR
chmod +x "$T/bin/editor-of-the-test"
term_keys Q
wait_for 'term_code >/dev/null'
tm kill-server
wait_for '! tm list-sessions 2>/dev/null'
term_start 80x24 env EDITOR=editor-of-the-test yolodeck
term_wait '4 calc-4'
term_keys c
term_shows 'c opens the editor on the terminal' 'the editor has'
term_type empty
term_keys Enter
term_shows 'saved empty: nothing is started, and said so' 'Enter goes back|^ toy  race 1 calc'
term_keys Enter
term_shows 'and the deck is back' '^ toy  race 1 calc'
term_keys c
term_wait 'press a key$'
term_keys Enter
term_shows 'what the engine of the tests does not enforce is refused' 'Run again.*|with --allow-unlimited'
term_keys Enter
term_shows 'and Enter is back at the deck' '^ toy  race 1 calc'
if bwrap --ro-bind / / true 2>/dev/null; then
	sed -i 's/"fake"/"local"/' "$T/bin/editor-of-the-test"
	term_keys c
	term_wait 'press a key$'
	term_keys Enter
	term_shows 'saved: the new race is on the deck' '^ toy  race [0-9] second'
	term_shows 'and runs' 'from the second race'
else
	skip 'saved: the new race is on the deck' 'no bubblewrap here'
fi
mkdir -p .yolodeck
echo '{ "name": "third", "engine": "fake", "command": "echo third" }' >.yolodeck/race.json
term_keys c
term_shows 'with a race file of the repository it asks' 'start a race as .yolodeck/race.json says\?'
term_keys n
term_keys Q
wait_ok 'Q leaves' '[ "$(term_code)" = 0 ]'
done_testing
