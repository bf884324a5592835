#!/bin/bash
# demo.sh - the demo on the engine of the tests: its result, its repository, its clean end; on a terminal the deck.
# timeout: 900
# The dollars of a condition are for wait_for.
# shellcheck disable=SC2016
# What wait_ok gets is evaluated there.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1
# nothing of the user's is needed
rm "$HOME/.gitconfig"
cd "$T" || exit 1

out=$("$YOLO" demo --engine fake 2>"$T/err")
is $? 0 "demo: exit 0, one passed"
like "$out" 'race 1 roman-numerals' "demo: the race"
like "$out" '1 \* +careful +passed +10/10' "demo: careful is best"
like "$out" '2 +rewrite +passed +10/10' "demo: rewrite passes with more lines"
like "$out" 'guess +failed +5/10' "demo: guess fails the check"
like "$out" 'hasty +failed' "demo: hasty fails"
like "$(cat "$T/err")" 'The repository of the demo: ' "demo: says where it is"
repo=$(sed -n 's/^The repository of the demo: //p' "$T/err")
is "$(git -C "$repo" log --format=%an)" "yolodeck demo" "demo: one commit of its own"
cd "$repo" || exit 1
like "$("$YOLO" log rewrite)" $'\r' "demo: a progress bar"
like "$("$YOLO" log careful)" $'\e\\[1;32m' "demo: colours"
like "$("$YOLO" log -t guess)" '! warning' "demo: warnings on stderr"
out=$("$YOLO" promote @best -y)
is $? 0 "demo: the best is promoted"
check "demo: the promoted one passes" sh check.sh
remove=$(sed -n 's/^  remove all   //p' "$T/err")
like "$remove" "^rm -rf $XDG_STATE_HOME/yolodeck-demo/1 $XDG_STATE_HOME/yolodeck/roman-" "demo: the command that removes it"
"$YOLO" shutdown >/dev/null
cd "$T" || exit 1
eval "$remove"
is "$(find "$XDG_STATE_HOME" -mindepth 2 | wc -l)" 0 "demo: removed without a rest"

term_start 120x40 "$YOLO" demo --engine fake
term_shows "on a terminal demo opens the deck" 'careful +. (running|saving|checking|passed)'
term_shows "the deck shows a log" 'Task: roman.sh prints 4'
term_keys Q
term_shows "after the deck it says where it is" 'remove all +rm -rf'
wait_ok "demo: exit 0" '[ "$(term_code)" = 0 ]'
term_stop
done_testing
