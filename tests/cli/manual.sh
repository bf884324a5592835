#!/bin/bash
# manual.sh - verbs and options in --help, in the tables and in the manual page are the same.
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

page=$LIB_TOP/man/yolodeck.1
race=$LIB_TOP/man/yolodeck-race.5

# The page without roff's escapes.
plain() {
	sed 's/\\-/-/g; s/\\(dq/"/g; s/\\e/\\/g' "$1"
}

# The options of one verb's section, as --help prints them: "-f, --file RACE.json".
page_options() {
	plain "$page" | awk -v verb="$1" '
		/^\.SS / { on = ($2 == verb) }
		/^\.SH / { on = 0 }
		on && was == ".TP" && /^\.B -/ { sub(/^\.B /, ""); print }
		{ was = $0 }' | sort
}

help_options() {
	"$YOLO" "$1" --help | sed -n 's/^  \( *-[^ ].*\)$/\1/p' | sed 's/^ *//; s/   *.*$//' |
		grep -v -x -e '-h, --help' -e '--json' | sort
}

verbs=$("$YOLO" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
is "$(plain "$page" | sed -n 's/^\.SS \([a-z-]*\).*/\1/p' | sort)" "$(sort <<<"$verbs")" "the manual page has every verb and no other"
[ "$(wc -l <<<"$verbs")" -ge 17 ] || not_ok "--help lists the verbs" "$verbs"
for v in $verbs; do
	is "$(page_options "$v")" "$(help_options "$v")" "$v: options of the page and of --help"
	usage=$("$YOLO" "$v" --help | sed -n '1s/^usage: yolodeck //p')
	is "$(plain "$page" | grep -c -x -F ".SS $usage")" 1 "$v: the usage line is the page's"
	is "$("$YOLO" help "$v")" "$("$YOLO" "$v" -h)" "$v: help $v is $v -h"
done

# Every key that the reader knows stands in yolodeck-race(5).
while read -r key; do
	[ "$key" = agent ] && key=agents
	check "yolodeck-race(5) has $key" grep -q -w -F "$key" "$race"
done < <(sed -n 's/^\t{ "\([a-z_]*\)", read_.*/\1/p' "$LIB_TOP/src/model/spec_parse.c" | grep -v -x -e allow_unlimited -e expanded -e pipeline | sort -u)

# The example in the page and the one in the editor are right once a command is there.
plain "$race" | sed -n '/^\.SH EXAMPLE/,/^\.fi/p' | grep -v '^\.' >"$T/example.json"
echo 'do it' >"$T/task.md"
cd "$(toy_repo)" || exit 1
check "the example of yolodeck-race(5) is right" "$YOLO" run -f "$T/example.json" --dry-run
sed 's|// "|"|; s|// \t{|{|; s|// ]|]|' "$LIB_TOP/templates/races/race.json" | grep -v '"prompt_file"' >"$T/all.json"
check "every line of the example in the editor is right" "$YOLO" run -f "$T/all.json" --dry-run
done_testing
