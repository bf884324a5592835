#!/bin/bash
# words.sh - race files and flags with quotes, shell signs, newlines and options in disguise: each arrives as it was, or is refused.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016,SC1003
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

# A command that writes down its arguments, W0 W1 ... and the prompt; what a shell made of them would differ.
cat >"$T/bin/args" <<'ARGS'
#!/bin/sh
printf '%s\n' "$#"
printf '<%s>' "$@"
n=0
while eval "test -n \"\${W${n}+x}\""; do
	eval "printf '{%s}' \"\${W${n}}\""
	n=$((n + 1))
done
printf '[%s]' "${YOLO_PROMPT-unset}"
ARGS
chmod +x "$T/bin/args"
PWNED=$T/pwned
WORDS=('plain' '' ' ' '"' "'" "''" '`touch '"$PWNED"'`' '$(touch '"$PWNED"')' '; touch '"$PWNED" '| touch '"$PWNED" '&& touch '"$PWNED" $'a\nb' $'a\n; touch '"$PWNED" $'tab\there' '\' '\\' '\n' '%s%n%d'
	'-u' '-u./x' '--upload-pack=touch '"$PWNED" '--' '-c' '--exec=x' '!x' '*' '?' '[a]' '~' '~root' '$HOME' '${IFS}' '#' '<x' '>'"$PWNED" '&' '(x)' '{a,b}' 'é€😀' $'\001\033\177' 'K=v' '--log' 'fd:1' '@file' "$(printf 'x%.0s' {1..5000})")

untouched() {
	is "$(find "$T" -maxdepth 1 -name 'pwned*')" "" "$1: nothing ran"
	rm -f "$PWNED"
}

# The last race's log is what the command saw.
saw() { # TEXT WANT
	"$YOLO" log 1 >"$T/got" 2>&1
	printf '%s' "$2" >"$T/want"
	check "$1" cmp "$T/want" "$T/got"
}

run() {
	"$YOLO" run --engine "$engine" --allow-unlimited --network none --wait "$@" >"$T/out" 2>&1
}

cd "$(toy_repo)" || exit 1
cp "$T/bin/args" args && git add args && git commit -q -m "Add args"

# ---- all words at once, through each way, on every engine ----

for engine in fake local docker; do
	if { [ $engine = local ] && ! have_bwrap; } || { [ $engine = docker ] && ! have_docker; }; then
		skip "words on $engine" "$engine does not run here"
		continue
	fi
	run -- ./args "${WORDS[@]}"
	saw "$engine: arguments after -- arrive one by one" "${#WORDS[@]}"$'\n'"$(printf '<%s>' "${WORDS[@]}")[unset]"
	untouched "$engine: arguments"
	flags=() env='' all='' clean=''
	for w in "${WORDS[@]}"; do
		v=${w//[$'\001'$'\033'$'\177']/} # what no race file may hold
		env+=", \"W${#flags[@]}\": $(json_to_str "$v")"
		flags+=("--env=W${#flags[@]}=$w")
		all+="{$w}" clean+="{$v}"
	done
	run "${flags[@]}" -- ./args
	saw "$engine: each --env" "0"$'\n'"<>${all}[unset]"
	printf '{ "env": { %s }, "command": %s }' "${env:2}" '"./args; # the only shell is this one, inside"' >"$T/race.json"
	run -f "$T/race.json"
	saw "$engine: env of a race file" "0"$'\n'"<>${clean}[unset]"
	for w in "${WORDS[@]}"; do
		case $w in '' | *[[:space:]] | *[$'\001'$'\033'$'\177']*) continue ;; esac # a prompt has no blank ends, and is something
		case $engine:$w in *:'$(touch'* | *:-u | fake:*["\"'\`;&!~@#"]* | fake:*[$'\n\t']* | fake:é*) ;; *) continue ;; esac
		run --prompt "$w" -- ./args
		saw "$engine: --prompt: $(printf %q "${w:0:40}")" "0"$'\n'"<>[$w]"
		printf '{ "prompt": %s, "command": "./args" }' "$(json_to_str "$w")" >"$T/race.json"
		run -f "$T/race.json"
		saw "$engine: prompt of a race file: $(printf %q "${w:0:40}")" "0"$'\n'"<>[$w]"
	done
	untouched "$engine: environment and prompt"
done
engine=fake

# ---- what is refused, with its place ----

bad_file() { # TEXT REGEX CONTENT
	printf '%b' "$3" >"$T/bad.json"
	refused "$1 is refused" 1 "$YOLO" run -f "$T/bad.json" --engine fake --allow-unlimited -d
	like "$SAID" "bad.json:( line )?$2" "$1: with its line"
	unlike "$SAID" $'[\001-\010\013-\037\177]' "$1: the sentence is clean"
}
bad_file "a NUL in a string" '2.*' '{\n"command": "a\\u0000b" }\n'
bad_file "a NUL byte" '2.*' '{\n"command": "a\0b" }\n'
bad_file "an unknown key" '3: *limts' '{\n"command": "x",\n"limts": {} }\n'
bad_file "a key given twice" '3.*' '{\n"command": "x",\n"command": "y" }\n'
bad_file "an unclosed string" '2.*' '{\n"command": "x }\n'
bad_file "a variant's name with a path" '2.*name' '{ "command": "x", "variants": [\n{ "name": "../../x" } ] }\n'
bad_file "a variant's name that is an option" '2.*name' '{ "command": "x", "variants": [\n{ "name": "-u" } ] }\n'
bad_file "a variant's name with a line in it" '2.*name' '{ "command": "x", "variants": [\n{ "name": "a\\nb" } ] }\n'
bad_file "an image that is an option" '2.*image' '{ "command": "x",\n"image": "--privileged" }\n'
bad_file "an image with a shell in it" '2.*image' '{ "command": "x",\n"image": "a;touch '"$PWNED"'" }\n'
bad_file "a name of the environment with =" '2.*env' '{ "command": "x",\n"env": { "A=B": "c" } }\n'
bad_file "a key of the matrix that is a shell's" '2.*matrix' '{ "command": "x",\n"matrix": { "$(x)": ["a"] } }\n'
bad_file "a base that is an option" '.*' '{ "command": "x",\n"base": "--upload-pack=touch '"$PWNED"'" }\n'
bad_file "a mount with .." '2.*mount' '{ "command": "x",\n"mounts": ["/usr/../etc"] }\n'
bad_file "JSON without an end" '1.*' "$(printf '[%.0s' {1..20000})"
bad_file "an array for an object" '1.*' '[]'
bad_file "bytes that are no UTF-8" '2.*' '{\n"command": "\377" }\n'
for args in "--base=-x" "--base=--upload-pack=touch" "--base=a..b" "--image=-v" "--engine=-x" "--network=host" "--memory=-1" "--memory=1e99" "--timeout=-1s" "--pids=0x10" "--env==v" "--name=" \
	"--matrix=a" "--parallel=0"; do
	SAID=$("$YOLO" run --engine fake --allow-unlimited -d "$args" -- true 2>&1)
	like "$?" '^[12]$' "$args is refused"
	like "$SAID" "${args%%=*}|${args#--}|base|commit|name" "$args: by its name"
done
for sel in '-x' '../1' '1/../../x' '1/-u' '$(touch '"$PWNED"')' "yolo/1/a'b" '' $'1\n2' '--upload-pack=x'; do
	for verb in show log diff kill archive restore "promote -y"; do
		# shellcheck disable=SC2086 # words
		"$YOLO" $verb -- "$sel" >"$T/out" 2>&1
		like "$?" '^[12]$' "$verb of $(printf %q "$sel") is refused"
	done
done
for into in '-x' 'a b' '../x' 'refs/heads/main;touch' '--upload-pack=touch' 'main~1' '@{-1}' ''; do
	"$YOLO" promote 1/1 -y --into="$into" >"$T/out" 2>&1
	is $? 1 "promote --into $(printf %q "$into") is refused" || cat "$T/out"
done
untouched "what was refused"

# ---- control ----

sh -c 'echo '"${WORDS[7]}" >/dev/null
check "control: a shell does run one of these words" test -e "$PWNED"
is "$(git status --porcelain)" "" "the repository is as it was"
done_testing
