#!/bin/bash
# dagger.sh - races through the pipeline on a real Dagger engine: eight at once, bytes exact, every end, a kill, limits.
# timeout: 3000
# shellcheck disable=SC2016 # the commands are for the container's shell
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/lib/dagger.sh
. "$(dirname "$0")/../lib/dagger.sh"

cd "$(toy_repo big)" || exit 1
mkdir many
awk 'BEGIN { for (i = 0; i < 5000; i++) { f = sprintf("many/%02d-%04d.txt", i % 50, i); printf "file %d\n%0900d\n", i, i >f; close(f) } }'
# characters that a cut at 32 KiB splits, and bytes that are no text at all
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "%d zażółć gęślą jaźń Größe übermäßig 日本語の文字列 %d\n", i, i * 7 }' >text.utf8
head -c 1000000 /dev/urandom >random.bin
git add . && git commit -q -m "Many files"

# ---- eight at once, 5,000 files ----

check "eight attempts on 5,000 files" dagger_race -n 8 --name eight --parallel 8 --wait -- \
	sh -c 'echo "$YOLO_VARIANT $YOLO_INDEX $(ls many | wc -l)"; echo "$YOLO_INDEX" >mine.txt'
is "$(yolodeck ls --json | jq -r '.rows[].state' | sort | uniq -c | tr -s ' ')" " 8 passed" "all eight passed"
is "$(for i in 1 2 3 4 5 6 7 8; do yolodeck log 1/$i; done | cut -d' ' -f2,3 | sort -u | tr '\n' ' ')" \
	"1 5000 2 5000 3 5000 4 5000 5 5000 6 5000 7 5000 8 5000 " "eight different executions, none taken for another's"
is "$(for i in 1 2 3 4 5 6 7 8; do git show "$(of 1/$i .row.branch):mine.txt"; done | tr '\n' ' ')" "1 2 3 4 5 6 7 8 " "each has its own file on its branch"

# ---- bytes ----

check "a burst of text, random bytes" dagger_race -n 1 --name bytes --wait -- sh -c 'awk "{ print; fflush() }" text.utf8; cat random.bin'
yolodeck log 2/1 >"$T/got"
cat text.utf8 random.bin >"$T/want"
check "the log is byte-exact" cmp "$T/got" "$T/want"
check "two streams" dagger_race -n 1 --name streams --wait -- \
	sh -c 'i=0; while [ $i -lt 3000 ]; do echo "o $i"; echo "e $i" >&2; i=$((i+1)); done'
yolodeck log 3/1 >"$T/got"
is "$(grep -c '^o ' "$T/got") $(grep -c '^e ' "$T/got")" "3000 3000" "both are whole"
check "the order inside each is kept" awk '{ if ($2 != n[$1]++) bad = 1 } END { exit bad }' "$T/got"

# ---- any text arrives as it is, and no shell sees it that was not meant to ----

NASTY=$'it\'s "two" `touch /tmp/no` $(touch /tmp/no) \\n\n\t%s {{setup}} ; & | < > zażółć \x01 '
while [ ${#NASTY} -lt 60000 ]; do NASTY+=$NASTY; done
check "a command and a value full of quotes" dagger_race -n 1 --name text --env "NASTY=$NASTY" --wait -- \
	sh -c 'printf %s "$1" "$NASTY"; ls /tmp >&2' a "$NASTY"
yolodeck log 4/1 >"$T/got"
printf %s%s "$NASTY" "$NASTY" >"$T/want"
check "they are what they were" cmp "$T/got" "$T/want"

# ---- what a person does then ----

check "promote" yolodeck promote 1/3 -y
is "$(cat mine.txt)" 3 "its file is in the work tree"
check "undo" yolodeck undo -y
check "and it is gone again" test ! -e mine.txt
check "archive" yolodeck archive 1/3
check "restore" yolodeck restore 1/3
check "rerun --continue" yolodeck rerun --continue --wait 1/3
is "$(git rev-list --count "main..$(of 1/eight-3.2 .row.branch)")" 2 "it goes on from the saved work"

# ---- every end ----

dagger_race --name codes --parallel 6 --matrix CODE=0,1,3,137,143,255 --wait -- sh -c 'echo "$CODE" >code.txt; exit "$CODE"' >/dev/null 2>&1
is "$(for i in 1 2 3 4 5 6; do of 5/$i '"\(.row.exit)"'; done | tr '\n' ' ')" "0 1 3 137 143 255 " "exit codes are told"
is "$(for i in 1 2 3 4 5 6; do git show "$(of 5/$i .row.branch):code.txt"; done | tr '\n' ' ')" "0 1 3 137 143 255 " "the tree is kept in each case"

cat >race.json <<'RACE'
{ "name": "ends", "parallel": 4, "variants": [
	{ "name": "late", "command": "echo partial >file.txt; echo go; exec sleep 60", "limits": { "time": "2s" } },
	{ "name": "hungry", "command": "echo partial >file.txt; awk 'BEGIN { s = \"x\"; while (1) s = s s }'", "limits": { "memory": "200m" } },
	{ "name": "missing", "argv": ["no-such-program"] },
	{ "name": "setup", "command": "echo never", "setup": "echo making ready; exit 4" } ] }
RACE
dagger_race -f race.json --wait >/dev/null 2>&1
is "$(of 6/late .row.reason)" "time limit 2s" "a time limit says so"
like "$(of 6/hungry .row.reason)" "^out of memory \(limit 200" "out of memory says so"
is "$(of 6/missing .row.reason)" "command not found: no-such-program" "a missing command says so"
is "$(of 6/setup .row.reason)" "setup failed: exit 4" "a setup that fails says so"
is "$(git show yolo/6/late:file.txt)" partial "the time limit keeps the files"
is "$(git show yolo/6/hungry:file.txt)" partial "running out of memory keeps the files"

# ---- one is killed, seven run on ----

RACE=$(dagger_race -n 8 --name kill --parallel 8 -d -- sh -c 'echo "work of $YOLO_INDEX" >file.txt; i=0; while [ $i -lt 36000 ]; do echo $i; sleep 0.1; i=$((i+1)); [ ! -e /tmp/end ] || exit 0; done' 2>/dev/null)
wait_ok "eight run" '[ "$(yolodeck ls --json | jq "[.rows[] | select(.race == '"$RACE"' and .state == \"running\")] | length")" = 8 ]' 120
LOG=$(of "$RACE/3" .log)
wait_for "[ -s '$LOG' ]"
if command -v ss >/dev/null; then
	PIPE=$(cat "$(state_dir)/races/$RACE/pipe/0/lock")
	is "$(ss -Hltnp | grep -E "pid=($PIPE|$(pgrep -P "$PIPE" | tr '\n' '|')0)," | awk '{ print $4 }' | grep -v -E '^(127\.0\.0\.1|\[::1\]):')" "" \
		"nothing listens but on loopback"
	isnt_empty=$(ss -Hltnp | grep -c -E "pid=$(pgrep -P "$PIPE" | head -n 1),")
	check "it does listen there" test "$isnt_empty" -gt 0
fi
yolodeck kill "$RACE/3" >/dev/null
AT=${EPOCHREALTIME/[.,]/}
# its container is gone when the exit stands in its index
wait_ok "it has ended" '[ "$(tail -c 32 "$LOG.idx" | od -An -tu1 -j28 -N1 | tr -d " ")" = 1 ]'
echo "# the kill took $(((${EPOCHREALTIME/[.,]/} - AT) / 1000)) ms"
wait_ok "it is shown as killed" '[ "$(of $RACE/3 .row.state)" = killed ]'
is "$(git show "$(of "$RACE/3" .row.branch):file.txt")" "work of 3" "its files are on its branch"
is "$(yolodeck ls --json | jq "[.rows[] | select(.race == $RACE and .state == \"running\")] | length")" 7 "the seven others run on"
is "$(yolodeck exec "$RACE/4" -- sh -c 'cat file.txt; id -u; pwd' 2>/dev/null | tr '\n' ' ')" "work of 4 65532 /work " "exec runs a command beside it"
refused "no shell without a terminal" 2 yolodeck shell "$RACE/4"
term_start 80x24 env yolodeck shell "$RACE/4"
term_wait '[$#] ?$' || not_ok "the shell has a prompt" "$(term_screen)"
term_type 'echo "$(cat file.txt)@$(id -u)@$PWD@${TERM%%-*}"; stty size; echo typed >typed.txt'
term_keys Enter
term_shows "a shell on the terminal, in the variant's files" '^work of 4@65532@/work@(xterm|tmux)'
term_shows "which has a size" '^24 80$'
term_resize 100x30
wait_ok "and a new one" 'term_type "stty size"; term_keys Enter; pause 0.3; grep -q -x "30 100" <<<"$(term_screen)"'
term_type 'sleep 1000; echo after'
term_keys Enter
pause 0.5
term_keys C-c
pause 0.2
term_type 'echo still "$((40 + 2))"'
term_keys Enter
term_shows "ctrl-c ends what runs in it, not the shell" '^still 42'
term_type 'exit 5'
term_keys Enter
wait_ok "it ends with the shell's code" '[ "$(term_code)" = 5 ]'
term_stop
is "$(find /tmp -maxdepth 1 -name 'yolodeck-tty-*' -newer "$T/bin" 2>/dev/null)" "" "its socket is gone"
yolodeck kill --race "$RACE" -y >/dev/null 2>&1 || yolodeck kill "$RACE/1" "$RACE/2" "$RACE/4" "$RACE/5" "$RACE/6" "$RACE/7" "$RACE/8" >/dev/null
wait_ok "all end" '[ "$(yolodeck ls --json | jq "[.rows[] | select(.race == '"$RACE"' and .state == \"killed\")] | length")" = 8 ]' 120
is "$(for i in 1 2 3 4 5 6 7 8; do git show "$(of "$RACE/$i" .row.branch):file.txt"; done | tr -dc '0-9')" 12345678 "what each did is on its branch"
done_testing
