#!/bin/bash
# selftest.sh - tests of lib.sh and run.sh themselves: what fails must be counted as failed, and nothing may stay behind.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/lib.sh"
LIB=$LIB_TOP/tests/lib/lib.sh

# Runs lines as a test script of its own; output in $OUT, code in $RC.
script() {
	printf '#!/bin/bash\n. %q\n%s\n' "$LIB" "$1" >"$T/s.sh"
	OUT=$(YOLO=/bin/true bash "$T/s.sh" 2>&1)
	RC=$?
}

# ---- TAP ----

script 'ok a; is x x b; like abc "b." c; unlike abc z d; check e true; refused f 3 sh -c "echo why >&2; exit 3"; skip g reason; done_testing'
is "$OUT" $'ok 1 - a\nok 2 - b\nok 3 - c\nok 4 - d\nok 5 - e\nok 6 - f\nok 7 - g # skip reason\n1..7' "what passes is printed as passed"
is "$RC" 0 "and ends with 0"
for line in 'not_ok a' 'is x y a' 'like abc z a' 'unlike abc b a' 'check a false' 'refused a 1 sh -c "exit 1"' 'refused a 2 sh -c "echo w >&2; exit 1"' \
	'refused a 0 true' 'wait_ok a false 0'; do
	script "$line; done_testing"
	like "$RC $OUT" '^1 not ok 1 - a.*1\.\.1$' "failed: $line"
done
script 'ok a; exit 0'
like "$RC $OUT" '^1 ok 1 - a.not ok 2 - ended early' "an end without done_testing is a failure"
script 'ok a; x=$unset_variable; done_testing'
like "$RC $OUT" '^1 .*not ok 2 - ended early' "an unset variable ends the script and is a failure"
script 'printf "ERROR: AddressSanitizer\n" >"$T/san/report.1"; ok a; done_testing'
like "$RC $OUT" '^1 .*not ok 2 - no report of a sanitizer' "a report of a sanitizer is a failure"

# ---- waiting ----

script 'wait_for "[ -e $T/x ]" 0.2 2>/dev/null; (pause 0.2; : >"$T/f") & if wait_for "[ -e $T/f ]" 5; then ok a; fi; if ! wait_for false 0; then ok b; fi; done_testing'
like "$RC $OUT" '0 .*ok 1 - a.ok 2 - b.1\.\.2$' "wait_for sees a condition come, and gives up"

# ---- the private world ----

script 'echo "$HOME $XDG_STATE_HOME $XDG_RUNTIME_DIR"; [ -z "${GIT_DIR:-}" ] && ok a; is "$(stat -c %a "$XDG_RUNTIME_DIR")" 700 b; done_testing'
like "$RC $OUT" '^0 (/tmp/yt-[A-Za-z0-9]+)/home (/tmp/yt-[A-Za-z0-9]+)/state (/tmp/yt-[A-Za-z0-9]+)/run' "HOME and the XDG directories are private"
check "and gone afterwards" test ! -e "${BASH_REMATCH[1]}"
script 'd=$(toy_repo); cd "$d"; is "$(git rev-list --count HEAD)" 3 a; check b ./check.sh; is "$(git status --porcelain)" "" c; is "$(state_dir)" "" d; done_testing'
is "$RC" 0 "toy_repo makes a repository whose check passes"

# ---- the terminal ----

script 'term_start 70x12 bash --norc -c "stty size; read -r l; echo \"got <\$l>\"; exit 5"; term_shows a "^12 70$"; term_type "x y"; term_keys Enter
term_shows b "^got <x y>$"; wait_ok c "[ \"\$(term_code)\" = 5 ]" 5; if ! term_wait never 0.1 2>/dev/null; then ok d; fi; done_testing'
like "$RC $OUT" '^0 ok 1 - a.ok 2 - b.ok 3 - c.*1\.\.4$' "a program on a private terminal: size, keys, screen, exit code"
is "$(pgrep -f "tmux -S ${BASH_REMATCH[1]:-/tmp/yt-}.*/tmux " | while read -r p; do grep -l -z "^YOLODECK_TEST=$T/" "/proc/$p/environ" 2>/dev/null; done)" "" "no tmux server stays"

# ---- cleaning up ----

script 'setsid sleep 1000 >/dev/null 2>&1 & setsid sh -c "trap \"\" TERM; sleep 1001; sleep 1001" >/dev/null 2>&1 & echo "pids $! "; wait_for "[ \$(lib_ours | wc -l) -ge 2 ]" 5; ok a; done_testing'
like "$OUT" 'pids ([0-9]+)' "a script leaves processes behind"
check "they are ended with it, also one that ignores TERM" bash -c "! kill -0 ${BASH_REMATCH[1]} 2>/dev/null"
script 'flock -F "$T/conductor.lock" sleep 100 & p=$!; wait_ok a "[ \"\$(conductor_pid \"\$T\")\" = $p ]"; kill $p; wait_ok b "[ -z \"\$(conductor_pid \"\$T\")\" ]"; done_testing'
like "$RC $OUT" '^0 ok 1' "conductor_pid tells who holds the lock"

# ---- run.sh counts what scripts print ----

mkdir -p "$T/p/tests/lint" "$T/p/tests/cli" "$T/p/tests/unit"
cp "$LIB_TOP/tests/run.sh" "$T/p/tests/"
echo 'exit 0' >"$T/p/tests/deps.sh"
printf 'all unit:\n' >"$T/p/Makefile"
cli() { # NAME LINES
	printf '#!/bin/sh\n%s\n' "$2" >"$T/p/tests/cli/$1.sh"
	chmod +x "$T/p/tests/cli/$1.sh"
}
run() {
	OUT=$(cd "$T/p" && ONLY='cli/*' sh tests/run.sh 2>&1)
	RC=$?
	LAST=$(tail -n 1 <<<"$OUT")
}
# Two steps that build pass in each of these.
cli a 'echo "ok 1 - a"; echo "ok 2 - b # skip none"; echo "1..2"'
run
is "$RC $LAST" "0 3 passed, 0 failed, 1 skipped" "run.sh counts passed and skipped"
like "$OUT" 'skipped: b \(none\)' "and says why something was skipped"
cli b 'echo "not ok 1 - x"; echo "# because"; exit 1'
run
is "$RC $LAST" "1 3 passed, 1 failed, 1 skipped" "a failed test fails the run"
like "$OUT" '# because' "and its output is shown"
cli b 'echo "ok 1 - x"; exit 3'
run
is "$RC $LAST" "1 4 passed, 1 failed, 1 skipped" "so does a script that ends with an error"
cli b 'echo "ok 1 - x"; echo "1..2"'
run
is "$RC $LAST" "1 4 passed, 1 failed, 1 skipped" "and one that ran less than planned"
cli b ':'
run
is "$RC $LAST" "1 3 passed, 1 failed, 1 skipped" "and one without a test"
cli b '# timeout: 1
echo "ok 1 - x"; sleep 100'
run
is "$RC $LAST" "1 4 passed, 1 failed, 1 skipped" "and one that does not end"
printf '9 1 cli/b.sh\n' >"$T/p/tests/times"
cli b 'cat build/test-logs/all.txt; echo "ok 1 - x"'
run
is "$(sed -n 1,2p "$T/p/build/test-logs/cli-b.sh.log" | tr '\n' ' ')" "tests/cli/b.sh tests/cli/a.sh " "what takes longest begins first"
printf '20 1 cli/a.sh\n' >"$T/p/build/test-logs/times.txt"
run
is "$(sed -n 1,2p "$T/p/build/test-logs/cli-b.sh.log" | tr '\n' ' ')" "tests/cli/a.sh tests/cli/b.sh " "as the last run had it"
like "$(cat "$T/p/build/test-logs/times.txt")" '[0-9]+\.[0-9] [0-9]+\.[0-9] cli/[ab]\.sh' "and what each took is kept"
rm "$T/p/tests/cli/b.sh"
printf 'all unit:\n\tfalse\n' >"$T/p/Makefile"
run
is "$RC $LAST" "1 0 passed, 1 failed, 0 skipped" "nothing is run from what does not build"
done_testing
