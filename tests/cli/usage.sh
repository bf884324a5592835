#!/bin/bash
# usage.sh - mistakes on the command line and in race files: the sentence, the exit code, nothing started.
# The back quotes are part of what is said.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# "code|words of the sentence|arguments"
mistakes=(
	'2|unknown verb "prmote"; did you mean promote|prmote'
	'2|unknown verb "prom"; did you mean promote|prom'
	'2|unknown verb "xyzzy"; `yolodeck --help`|xyzzy'
	'2|unknown verb "stpo"; did you mean stop|stpo'
	'2|missing argument: V|log'
	'2|missing argument: V|show'
	'2|missing argument: V|diff'
	'2|missing argument: V|promote'
	'2|missing argument: V... . --race R . --all|kill'
	'2|missing argument: V... . --race R|archive'
	'2|missing argument: V... . --race R|restore'
	'2|missing argument: COMMON_DIR|conductor'
	'2|not both|kill a --race 3'
	'2|not both|kill a --all'
	'2|"x" is not a race|kill --race x'
	'2|"0" is not a race|wait 0'
	'2|"x" is not a race|report x'
	'2|unexpected argument "b"|show a b'
	'2|unexpected argument "c"|diff a b c'
	'2|unexpected argument "a"|ls a'
	'2|unexpected argument "a"|undo a'
	'2|unknown option --al; did you mean --all|ls --al'
	'2|unknown option -q|log -q a'
	'2|unknown option --frobnicate|run --frobnicate'
	'2|--into needs a value: --into BRANCH|promote a --into'
	'2|-n needs a value: -n N|log a -n'
	'2|--all takes no value|ls --all=yes'
	'2|--merge and --squash are two ways|promote a --merge --squash'
	'2|--rebase comes in a later version|promote a --rebase'
	'2|"make" is not an option; write the command after --|run make test'
	'2|no command after --|run --'
	'2|there is no command: write it after --|run -n 3'
	'2|-n: 0 is not possible|run -n 0 -- x'
	'2|-n: 100 is not possible|run -n 100 -- x'
	'2|-n: "x" is not a number|run -n x -- x'
	'2|--memory: "4gb" is not a size|run --memory 4gb -- x'
	'2|--timeout: "soon" is not a time|run --timeout soon -- x'
	'2|--cpus: "many" is not a number|run --cpus many -- x'
	'2|--pids: 2.5 is not possible|run --pids 2.5 -- x'
	'2|--log-limit: 1.0 KiB is not possible|run --log-limit 1k -- x'
	'2|--engine: "dcker" is not an engine; did you mean docker|run --engine dcker -- x'
	'2|--network: "host" is not a network|run --network host -- x'
	'2|--image: "a b" is not an image|run --image=a\ b -- x'
	'2|--matrix: "m" has no values|run --matrix m -- x'
	'2|--matrix: m: the value "1" stands twice|run --matrix m=1,1 -- x'
	'2|--env: YT_UNSET is not set here|run --env YT_UNSET -- x'
	'2|--env: "YOLO_RACE" is set by yolodeck|run --env YOLO_RACE=1 -- x'
	'2|--mount: "/" would show the container everything|run --mount / -- x'
	'2|--setup: is empty|run --setup= -- x'
	'2|--parallel: 0 is not possible|run --parallel 0 -- x'
	'2|--base: "-x" is not a revision|run --base=-x -- x'
	'2|--prompt-file: .*no-such|run --prompt-file /no-such -- x'
	'2|--agent comes in a later version|run --agent claude:2'
	'2|--secret comes in a later version|run --secret KEY -- x'
	'1|no-such.json|run -f /no-such.json'
	'1|there is no race yet in this repository|log a'
	'1|there is no race yet in this repository|promote a'
	'1|there is no race yet in this repository|wait'
	'1|there is no race yet in this repository|report'
	'1|there is no race yet in this repository|kill --all'
)

cd "$(toy_repo)" || exit 1
for m in "${mistakes[@]}"; do
	code=${m%%|*}
	rest=${m#*|}
	words=${rest%|*}
	eval "args=(${rest##*|})"
	# shellcheck disable=SC2154 # set by eval
	refused "yolodeck ${rest##*|}: exit $code" "$code" "$YOLO" "${args[@]}"
	like "$SAID" "$words" "yolodeck ${rest##*|}: $words"
done

# As JSON the refusal is one object on stdout, with the same exit code.
out=$("$YOLO" run --json --memory 4gb -- x 2>"$T/err")
is $? 2 "run --json with a bad flag: exit 2"
like "$out" '^\{"schema":1,"err":\{"code":"spec","msg":"--memory: ' "run --json with a bad flag: the object"
is "$(cat "$T/err")" "" "run --json with a bad flag: nothing on stderr"
like "$("$YOLO" ls --al --json)" '"code":"usage"' "ls --al --json: code usage"
like "$("$YOLO" kill --json a)" '"code":"no_race"' "kill --json without a race: code no_race"

# Race files: the sentence says file, line and key.
bad_file() { # TEXT WORDS
	printf '%s' "$1" >"$T/bad.json"
	refused "race file: $2" 1 "$YOLO" run -f "$T/bad.json" -- x
	like "$SAID" "$2" "race file: says $2"
}
bad_file $'{\n "limits": { "memory": "4gb" } }' 'bad.json:2: limits.memory: "4gb" is not a size; write 4g, 512m or a number of bytes'
bad_file $'{\n\n "comand": "x" }' 'bad.json:3: comand: there is no such key; did you mean "command"'
bad_file '{ "agents": { "claude": 2 } }' 'bad.json:1: agents: agents come in a later version'
bad_file '{ "variants": [ { "name": "a" }, { "name": "a" } ] }' 'variants.1..name: "a" is the name of variants.0. too'
bad_file '{ "matrix": { "a": [] } }' 'matrix.a: it has no values'
bad_file '{ "repeat": 50, "matrix": { "a": [1, 2] } }' '100 variants; at most 99'
bad_file '{ "command": 7 }' 'bad.json:1: command: .*write a string'
bad_file '{ "command": "x"' 'bad.json: line 1'

# What is right starts nothing either with --dry-run, and leaves nothing behind.
out=$("$YOLO" run --dry-run -n 2 --memory 2g --check true --env A=b --prompt 'do it' -- echo hi)
is $? 0 "dry-run: exit 0"
like "$out" '2 variants' "dry-run: counts"
like "$out" '1 echo-1 .*command echo hi.*check true.*env A=b.*memory 2.0 GiB' "dry-run: shows the variants"
like "$(echo 'the task' | "$YOLO" run --dry-run --json --prompt - -- x)" '"prompt":"the task"' "run --prompt -: reads stdin"
is "$(ls "$XDG_STATE_HOME")" "" "no mistake and no dry run made a state directory"
is "$("$YOLO" ls)" 'there is no race yet in this repository: `yolodeck run` starts one' "ls without a race is no error"
is "$("$YOLO" ls --json)" '{"schema":1,"races":[],"rows":[]}' "ls --json without a race: empty lists"
is "$("$YOLO" status)" "" "status without a race says nothing"
is "$("$YOLO" version)" "yolodeck 0.1.0" "version"
is "$("$YOLO" --version)" "yolodeck 0.1.0" "--version"
like "$("$YOLO" version --json)" '^\{"schema":1,"version":"0.1.0"' "version --json"

refused "the deck without a terminal" 2 "$YOLO"
like "$SAID" "needs a terminal" "the deck without a terminal says so"
cd "$T" || exit 1
refused "not a repository" 1 "$YOLO" run -- x
like "$SAID" "not in a git repository" "not a repository: says so"
refused "ls outside of a repository" 1 "$YOLO" ls
done_testing
