#!/bin/bash
# race.sh - every verb over the life of races, on the engine of the tests.
# timeout: 1500
# The dollars belong to the commands of the variants, the back quotes to what is said.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

# A race on the engine of the tests, which enforces no limits.
run() {
	"$YOLO" run --engine fake --allow-unlimited "$@"
}

cd "$(toy_repo)" || exit 1
work='echo "attempt $YOLO_INDEX of $YOLO_RACE is $YOLO_VARIANT"; echo "warning $YOLO_INDEX" >&2
case $YOLO_INDEX in
1) echo "# one" >>src/add.sh ;;
2) printf "%s\n" two lines >two.txt; echo "# two" >>src/add.sh ;;
3) echo "echo wrong" >src/add.sh ;;
esac'

# ---- run, wait ----

out=$(run --name calc -n 3 --parallel 3 --check 'sh check.sh && echo "1 passed, 0 failed"' -d -- sh -c "$work" 2>"$T/err")
is "$?:$out" "0:1" "run -d prints the number of the race"
like "$(cat "$T/err")" 'race 1 calc: ' "run -d says the race and the engine on stderr"
out=$("$YOLO" wait 1)
is $? 0 "wait: exit 0, one passed"
like "$out" '1 \* +calc-1 +passed +1/1' "wait: the best first"
like "$out" 'calc-3 +failed' "wait: the failed one too"
"$YOLO" wait >"$T/again"
is "$?" 0 "wait without a number: the newest race"
is "$("$YOLO" wait 1-calc | head -1)" "race 1 calc" "wait 1-calc is wait 1"
refused "wait for a race that is not there" 1 "$YOLO" wait 9
like "$SAID" 'no race 9' "wait 9 says so"

# ---- ls, show, status, report ----

out=$("$YOLO" ls)
is $? 0 "ls: exit 0"
like "$out" 'race 1 calc  main [0-9a-f]{7}  fake  2 of 3 passed, over' "ls: the race's line"
like "$out" '1  calc-1 +passed +[0-9]:[0-9][0-9] +1/1 +\+1 +-0 +1  \* best so far' "ls: a row"
is "$("$YOLO" ps)" "$out" "ps is ls"
out=$("$YOLO" ls --json)
like "$out" '^\{"schema":1,' "ls --json: schema"
for key in race variant number state reason engine isolation image branch commit base exit started ended elapsed_ms files added removed check conflict rank promoted; do
	like "$out" "\"$key\":" "ls --json: a row has $key"
done
out=$("$YOLO" show 2)
is $? 0 "show: exit 0"
like "$out" '1/calc-2  number 2 of race 1 calc' "show: head"
like "$out" 'branch +yolo/1/calc-2' "show: branch"
like "$out" 'changes +2 files, \+3 -0' "show: changes"
like "$("$YOLO" show 1/calc-2 --json)" '"spec_variant":' "show --json"
is "$("$YOLO" status)" "yolo 1 !0 >0 v2 x1" "status"
like "$("$YOLO" status --json)" '^\{"schema":1,.*"passed":2' "status --json"
out=$("$YOLO" report)
like "$out" 'best first: check, changed lines, time' "report: the rule in words"
like "$("$YOLO" report 1 --markdown)" '\| 1 \* +\| calc-1 ' "report --markdown: a table"
like "$("$YOLO" report --json)" '"rows":\[' "report --json"

# ---- log ----

printf 'attempt 2 of 1 is calc-2\nwarning 2\n' >"$T/want"
"$YOLO" log calc-2 >"$T/got"
check "log: byte for byte" cmp "$T/want" "$T/got"
"$YOLO" logs 2 >"$T/got"
check "logs is log, 2 is calc-2" cmp "$T/want" "$T/got"
is "$("$YOLO" log calc-2 -n 1)" "warning 2" "log -n 1"
is "$("$YOLO" log calc-2 -n1)" "warning 2" "log -n1"
is "$("$YOLO" log calc-2 -n 99)" "$(cat "$T/want")" "log -n 99"
is "$("$YOLO" log calc-2 -n 0)" "" "log -n 0"
refused "log -n x" 2 "$YOLO" log calc-2 -n x
out=$("$YOLO" log -t calc-2)
like "$out" '[0-9:]{8}   attempt 2 of 1' "log -t: time and line"
like "$out" '[0-9:]{8} ! warning 2' "log -t: ! before stderr"
like "$out" '-- .*exit.* --' "log -t: the end is a line"
like "$("$YOLO" log --check calc-1)" '1 passed, 0 failed' "log --check"
is "$("$YOLO" log -f calc-1 | head -1)" "attempt 1 of 1 is calc-1" "log -f of an ended one ends"

# ---- diff ----

out=$("$YOLO" diff calc-2)
like "$out" '\+\+\+ b/two.txt' "diff: a patch"
like "$out" '\+# two' "diff: its lines"
check "diff: git applies it" git apply --check - <<<"$out"
like "$("$YOLO" diff calc-2 --stat)" 'two.txt +\+2 +-0.*2 files, \+3 -0' "diff --stat"
like "$("$YOLO" diff calc-1 calc-2)" '-# one' "diff V V2"
like "$("$YOLO" diff calc-2 --stat --json)" '"path":"two.txt","added":2' "diff --stat --json"

# ---- selectors ----

refused "no such variant" 1 "$YOLO" show calc-9
like "$SAID" 'no variant "calc-9" in race 1: it has calc-1' "no such variant: says what there is"
refused "an ambiguous beginning" 1 "$YOLO" log calc
like "$SAID" 'fits 1/calc-1, ' "ambiguous: names them"
refused "one of several" 1 "$YOLO" log @passed
refused "no such race" 1 "$YOLO" show 9/calc-1
refused "no such word" 2 "$YOLO" show @fastest
like "$("$YOLO" show @best)" '1/calc-1' "@best"
like "$("$YOLO" show yolo/1/calc-3)" '1/calc-3' "a branch names its variant"

# ---- promote, undo ----

before=$(git rev-parse HEAD)
out=$("$YOLO" promote @best --dry-run)
is $? 0 "promote --dry-run: exit 0"
like "$out" 'promote 1/calc-1 into main' "promote --dry-run: what into what"
like "$out" 'src/add.sh  \+1 -0' "promote --dry-run: files"
is "$(git rev-parse HEAD)" "$before" "promote --dry-run changes nothing"
like "$("$YOLO" promote @best --dry-run --json)" '^\{"schema":1,"plan":\{' "promote --dry-run --json"
refused "promote without a terminal" 1 "$YOLO" promote @best
like "$SAID" 'no terminal to ask on: -y' "promote without a terminal wants -y"
is "$(git rev-parse HEAD)" "$before" "promote without a terminal changes nothing"
refused "undo without anything" 1 "$YOLO" undo -y
out=$("$YOLO" promote calc-2 --squash -y)
is $? 0 "promote -y: exit 0"
like "$out" 'promoted 1/calc-2 into main: [0-9a-f]{7} -> [0-9a-f]{7}' "promote -y: says what moved"
is "$(cat two.txt)" $'two\nlines' "promote: the file is in the work tree"
is "$(git rev-list --count "$before..HEAD")" 1 "promote --squash: one commit"
like "$("$YOLO" ls)" 'in main' "ls: promoted"
refused "undo without a terminal" 1 "$YOLO" undo
like "$SAID" 'no terminal to ask on: -y' "undo without a terminal wants -y"
out=$("$YOLO" undo -y)
is $? 0 "undo -y: exit 0"
is "$(git rev-parse HEAD)" "$before" "undo: back where it was"
check "undo: the file is gone" test ! -e two.txt

# ---- archive, restore ----

out=$("$YOLO" archive calc-3)
is "$?:$out" '0:archived 1/calc-3; `yolodeck restore` brings them back' "archive"
is "$(git branch --list 'yolo/1/calc-3')" "" "archive: out of git branch"
unlike "$("$YOLO" ls)" 'calc-3' "ls: not on the deck"
like "$("$YOLO" ls --all)" 'calc-3.*archived' "ls --all: archived"
is "$("$YOLO" restore 1/calc-3)" "restored 1/calc-3" "restore"
like "$(git branch --list 'yolo/1/calc-3')" 'yolo/1/calc-3' "restore: the branch is back"
like "$("$YOLO" archive --race 1 --json)" '"archived":\["1/calc-1","1/calc-2","1/calc-3"\]' "archive --race --json"
like "$("$YOLO" ls)" 'no race on the deck' "ls: an empty deck is said"
like "$("$YOLO" undo -y)" 'undone: brings back' "undo takes an archive back"

# ---- live ones: follow, kill, wait ----

run -n 2 --parallel 2 -d --name long -- sh -c 'i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); sleep 0.1; done' >"$T/n" 2>/dev/null
is "$(cat "$T/n")" 2 "a second race has the next number"
wait_ok "both run" '[ "$("$YOLO" status)" = "yolo 2 !0 >2 v0 x0" ]'
"$YOLO" log -f long-1 >"$T/follow" &
follower=$!
wait_ok "log -f shows lines as they come" '[ "$(wc -l <"$T/follow")" -ge 3 ]'
refused "promote of a live one" 1 "$YOLO" promote long-1 -y
refused "archive of a live one" 1 "$YOLO" archive long-1
out=$("$YOLO" kill long-1)
is "$?:$out" "0:killed 2/long-1; files and logs stay" "kill"
wait $follower
is $? 0 "log -f ends with the variant"
"$YOLO" log long-1 >"$T/whole"
check "log -f printed all of it" cmp "$T/follow" "$T/whole"
wait_ok "the killed one says so" '"$YOLO" show long-1 | grep -q "^state  *killed"'
like "$("$YOLO" show long-1)" 'reason +killed' "the killed one says by whom"
out=$("$YOLO" stop 2/long-1)
is "$?:$out" "0:had ended already: 2/long-1" "stop is kill; what ended already is said"
"$YOLO" wait 2 >"$T/wait" &
waiter=$!
like "$("$YOLO" kill --all)" 'killed 2/long-2' "kill --all"
wait $waiter
is $? 1 "wait: exit 1, nobody passed"
is "$("$YOLO" kill --race 2)" "nothing is live" "kill --race of an ended race"

# ---- run: files, flags, ends ----

mkdir .yolodeck
printf '{ "command": "true", "matrix": { "m": ["a", "b"] }, "engine": "fake", }' >.yolodeck/race.json
out=$(run --wait 2>/dev/null)
is $? 0 "run without a command: .yolodeck/race.json; --wait ends with 0"
like "$out" '2 of 2 passed' "run --wait prints the result"
out=$(run --wait --json -- false 2>"$T/err")
is $? 1 "run --wait: 1 when nobody passed"
like "$out" '^\{"schema":1,.*"state":"failed"' "run --wait --json: the report"
is "$(cat "$T/err")" "" "run --wait --json: nothing on stderr"
like "$out" '"commit":null,"branch":null' "a failed one that changed nothing has no commit"
is "$(git branch --list 'yolo/4/*')" "" "and no branch"
like "$(run --json -- true)" '^\{"schema":1,"race":5,.*"engine":"fake"' "run --json"
"$YOLO" wait 5 >/dev/null
like "$(git branch --list 'yolo/5/*')" 'yolo/5/' "a passed one has its branch, changed or not"
run --check false --wait -- true >/dev/null 2>&1
wait_ok "one whose check failed and that changed nothing loses its branch" '[ -z "$(git branch --list "yolo/6/*")" ]'
wait_ok "and its commit" '"$YOLO" ls --all --json | grep -q "\"race\":6,.*\"commit\":null,\"branch\":null"'
out=$(YT_MINE=mine run --env YT_MINE --env B=2 --prompt 'the task' --setup 'echo setting up' --wait -- sh -c 'echo "$YT_MINE $B $YOLO_PROMPT"' 2>/dev/null)
is "$("$YOLO" log 1)" $'setting up\nmine 2 the task' "run: env, prompt and setup reach the command"
refused "run --base of nothing" 1 run --base no-such-branch -- true
refused "an engine that is not built in yet" 1 "$YOLO" run --engine dagger -- true
like "$(run --base HEAD~1 --wait -- ls 2>/dev/null)" '1 of 1 passed' "run --base"
unlike "$("$YOLO" log 1)" 'README' "run --base: the files are those of the base"
refused "the tests' engine without YOLODECK_FAKE" 1 env -u YOLODECK_FAKE "$YOLO" run --engine fake -- true

# ---- on a terminal ----

term_start 100x30 "$YOLO" promote 1/calc-1
term_shows "promote on a terminal shows the plan and asks" 'promote\? y/N'
term_keys n Enter
wait_ok "promote: n is no, exit 1" '[ "$(term_code)" = 1 ]'
is "$(git rev-parse HEAD)" "$before" "promote: no changes nothing"
term_stop
term_start 100x30 "$YOLO" promote 1/calc-1
term_wait 'promote\? y/N'
term_keys y Enter
term_shows "promote: y is yes" '^promoted 1/calc-1 into main'
wait_ok "promote: y is yes, exit 0" '[ "$(term_code)" = 0 ]'
is "$(git rev-list --count --first-parent "$before..HEAD")" 1 "promote: one merge"
term_stop
# What was typed before the question does not answer it: a slow start reads it all first.
term_start 100x30 sh -c 'pause=$(mktemp -u); mkfifo "$pause"; (sleep 1; echo >"$pause") & read -r _ <"$pause"; exec "$YOLO" undo'
term_keys y Enter
term_shows "undo asks" 'take it back\? y/N'
pause 0.3
is "$(term_code)" "" "an answer typed ahead is none"
term_keys n Enter
wait_ok "undo: n is no" '[ "$(term_code)" = 1 ]'
term_stop
term_start 100x30 "$YOLO" undo
term_shows "undo on a terminal says what and asks" 'take it back\? y/N'
term_keys y Enter
wait_ok "undo: y is yes, exit 0" '[ "$(term_code)" = 0 ]'
is "$(git rev-parse HEAD)" "$before" "undo: back"
term_stop

# An editor that is left without a change starts nothing; one that writes a race starts it.
rm -r .yolodeck
term_start 100x30 env EDITOR=true "$YOLO" run -d
wait_ok "run without anything opens the editor; unchanged cancels, exit 1" '[ "$(term_code)" = 1 ]'
term_stop
printf '#!/bin/sh\necho "{ \\"command\\": \\"true\\", \\"engine\\": \\"fake\\" }" >"$2"\n' >"$T/bin/ed"
chmod +x "$T/bin/ed"
term_start 100x30 env EDITOR="ed --wait" "$YOLO" run -d --allow-unlimited
wait_ok "run: what the editor wrote starts" '[ "$(term_code)" = 0 ]'
term_shows "run -d prints its number" '^[0-9]+$'
term_stop
is "$(find "$XDG_STATE_HOME/yolodeck" -maxdepth 1 -name 'new-race*')" "" "the editor's file is gone"
printf '#!/bin/sh\necho "{ \\"comand\\": \\"true\\" }" >"$2"\n' >"$T/bin/ed"
term_start 200x30 env EDITOR="ed --wait" "$YOLO" run -d
term_shows "run: a mistake in the editor is said and asked about" 'edit it again\? y/N'
like "$SCREEN" ':1: comand: there is no such key; did you mean "command"' "run: the mistake with its line"
term_keys n Enter
wait_ok "run: not again is exit 1" '[ "$(term_code)" = 1 ]'
term_stop
is "$(find "$XDG_STATE_HOME/yolodeck" -maxdepth 1 -name 'new-race*' | wc -l)" 1 "what was written is kept"
term_start 100x30 env EDITOR=/nonexistent/editor "$YOLO" run -d
wait_ok "run: an editor that is not there is exit 1" '[ "$(term_code)" = 1 ]'
term_stop

# A log on a terminal: colours are kept, what would act on the terminal is not; into a pipe every byte.
run --wait --name evil -- printf '\033]0;owned\007\033[31mred\033[0m \033[2J\342\200\256tail\n' >/dev/null 2>&1
"$YOLO" log 1 >"$T/got"
printf '\033]0;owned\007\033[31mred\033[0m \033[2J\342\200\256tail\n' >"$T/want"
check "log into a pipe: control sequences too" cmp "$T/want" "$T/got"
term_start 100x30 sh -c '"$YOLO" log 1; echo $? >code; read -r _'
term_shows "log on a terminal: the text, the bidi mark made visible" 'red <U\+202E>tail'
like "$(term_screen -e)" $'\e\\[31mred' "log on a terminal: the colour is kept"
unlike "$(tm display-message -p -t t '#{pane_title}')" 'owned' "log on a terminal: the title is not touched"
like "$SCREEN" '-- exit 0 --' "log on a terminal: how it ended"
term_stop
term_start 100x30 sh -c 'NO_COLOR=1 "$YOLO" log 1; read -r _'
term_wait 'tail'
unlike "$(term_screen -e)" $'\e\\[31m' "log with NO_COLOR: none"
term_stop
term_start 100x30 sh -c '"$YOLO" diff 1/calc-2; read -r _'
term_shows "diff on a terminal" '^\+# two'
like "$(term_screen -e)" $'\e\\[32m\\+# two' "diff on a terminal: added lines are green"
term_stop

# The deck opens after the start, and alone.
term_start 100x30 "$YOLO" run --engine fake --allow-unlimited --name deck -- sh -c 'echo from the variant; sleep 1'
term_shows "run on a terminal opens the deck" 'race [0-9]+ deck'
term_shows "with the log of the variant" '^from the variant'
term_keys Q
wait_ok "Q leaves it" '[ "$(term_code)" = 0 ]'
term_stop
term_start 100x30 "$YOLO"
term_shows "yolodeck alone opens the deck" 'race [0-9]+ deck'
term_keys q
wait_ok "q leaves it" '[ "$(term_code)" = 0 ]'
term_stop
done_testing
