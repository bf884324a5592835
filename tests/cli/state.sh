#!/bin/bash
# state.sh - where state and answers go: a repository that was moved, no repository, no state directory, no room on stdout.
# timeout: 900
# The dollars belong to the commands of the variants, the back quotes to what is said.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

run() {
	"$YOLO" run --engine fake --allow-unlimited "$@"
}

# ---- a repository that was moved ----

cd "$(toy_repo)" || exit 1
run --name first -n 2 --wait -- sh -c 'echo "$YOLO_INDEX" >new' >/dev/null 2>&1
"$YOLO" archive 1/first-2 >/dev/null
cp -r "$T/toy" "$T/copy"
cd "$T/copy" || exit 1
like "$("$YOLO" ls)" 'no race yet' "a copy of a repository that is still there has no race"
refused "and nothing to bring" 1 "$YOLO" relocate
like "$SAID" 'nothing to bring here' "and says so"
rm -r "$T/copy"
cd "$T" && mv toy moved && cd moved || exit 1
refused "ls in a moved repository" 1 "$YOLO" ls
like "$SAID" "was moved from $T/toy/.git.*yolodeck relocate" "says where from, and the command"
refused "so does run" 1 run -d -- true
like "$SAID" 'yolodeck relocate' "with the same words"
is "$("$YOLO" status 2>&1)" "" "status stays silent"
mkdir "$T/other" && git -C "$T/other" init -q && git -C "$T/other" commit -q --allow-empty -m x
is "$(cd "$T/other" && "$YOLO" ls 2>&1 | grep -c 'no race yet')" 1 "another repository is not offered it"
check "relocate" "$YOLO" relocate
is "$(ls "$T/state/yolodeck")" "$(basename "$(state_dir)")" "the state directory has the new name, and no other is there"
like "$("$YOLO" ls --all)" 'race 1 first.*' "the race is there"
like "$("$YOLO" diff 1/first-1)" '\+1' "its commits are read"
check "its archived variant comes back" "$YOLO" restore 1/first-2
check "a variant is promoted" "$YOLO" promote 1/first-1 -y
is "$(cat new)" 1 "into the moved work tree"
is "$(run --wait --name second -- true 2>/dev/null | head -n 1)" 'race 2 second' "the next race has the next number"

# What a crash between the two steps leaves is found and finished.
"$YOLO" shutdown >/dev/null
mv "$(state_dir)" "$T/state/yolodeck/elsewhere-00000000"
refused "a relocation that was cut short" 1 "$YOLO" ls
check "is finished by the next" "$YOLO" relocate
like "$("$YOLO" ls --all)" 'race 2 second' "and nothing is missing"

# A terminal is asked.
"$YOLO" shutdown >/dev/null
cd "$T" && mv moved again && cd again || exit 1
term_start 80x24 "$YOLO"
term_shows "the deck of a moved repository asks" 'was moved from .*'
term_keys y Enter
term_shows "and shows the races on y" 'race 2 second'
term_keys q
term_stop

# ---- a save that left something out ----

run --name part --wait -- sh -c 'truncate -s 70M big; echo 3 >new' >/dev/null 2>&1
out=$("$YOLO" show part)
like "$out" $'\nbranch +yolo/.*\nincomplete +Not everything could be recorded: 1 file over 64 MiB' "show: the branch, and that it is not all"
unlike "$out" 'no branch' "not that there is none"
is "$(grep -c -e 'over 64 MiB' <<<"$out")" 1 "what was left out once"
is "$("$YOLO" ls | grep -o 'over 64 MiB' | wc -l)" 1 "in ls as well"

# ---- doctor where nothing can be raced ----

engines='(dagger|docker|local) +(ready|no): .*auto '
mkdir "$T/nothing" && cd "$T/nothing" || exit 1
out=$("$YOLO" doctor 2>&1)
is $? 1 "doctor outside a repository: exit 1"
like "$out" 'no races +.*not.* a git repository' "doctor outside a repository says so"
like "${out//$'\n'/ }" "$engines" "and what it found of engines"
like "$("$YOLO" doctor --json)" '"engines":\[.*"err":\{"code":"not_a_repository"' "with --json too"
cd "$(toy_repo sound)" || exit 1
out=$(XDG_STATE_HOME=/proc/none "$YOLO" doctor 2>&1)
is $? 1 "doctor without a state directory: exit 1"
like "$out" 'no races +.*/proc/none' "doctor without a state directory names it"
like "${out//$'\n'/ }" "$engines" "and what it found of engines"
is "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'yolodeck-doctor-*' -user "$(id -u)" -newer "$T/other" | wc -l)" 0 "nothing of it is left"

# ---- stdout that cannot be written ----

run --name out --wait -- sh -c 'echo x >new; echo said' >/dev/null 2>&1
for words in '--help' 'ls' 'ls --json' 'show 1/out' 'log 1/out' 'log -t 1/out' 'diff 1/out' 'diff --stat 1/out' 'status' 'report' 'wait' \
	'doctor' 'version' 'help run' 'run --help' 'run --dry-run -- true' 'promote 1/out --dry-run' 'kill --all' 'show nothing --json'; do
	# shellcheck disable=SC2086 # words
	said=$("$YOLO" $words 2>&1 >/dev/full)
	rc=$?
	like "$rc $said" '^1 .*the output could not be written' "$words >/dev/full"
done
"$YOLO" ls >&- 2>"$T/err"
is "$?:$(grep -c 'could not be written' "$T/err")" 1:1 "a closed stdout is one too"

done_testing
