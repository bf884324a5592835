#!/bin/bash
# pipeline_go.sh - the pipeline's Go program: rendered, formatted, vetted, its unit tests; what is never in it.
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

from=$LIB_TOP/templates/pipeline

# $1 = directory, $2 = the setup as a Go literal, $3 = the caches as Go literals
render() {
	local text
	mkdir -p "$1"
	cp -R "$from/runtime" "$from/go.sum" "$1/"
	cp "$from/go.mod.tmpl" "$1/go.mod"
	text=$(cat "$from/main.go.tmpl"; echo .)
	text=${text%.}
	text=${text//'{{setup}}'/"$2"}
	printf '%s' "${text//'{{caches}}'/"$3"}" >"$1/main.go"
}

is "$(grep -l -E 'ExperimentalPrivilegedNesting|InsecureRootCapabilities|"reflect"|"unsafe"' "$from"/runtime/*.go "$from"/*.tmpl)" "" \
	"no privileged nesting, no root capabilities, no reflection"
is "$(grep -n -E '^\s*type .* interface|interface \{' "$from"/runtime/*.go "$from"/*.tmpl)" "" "no interfaces of its own"
is "$(grep -o -h '{{[a-z]*}}' "$from"/runtime/*.go "$from"/*.tmpl | sort | tr '\n' ' ')" "{{caches}} {{setup}} " "two placeholders, each once"
for section in base setup wrap commands; do
	is "$(grep -c -x -E "\s*// yolodeck:(begin|end) $section" "$from/main.go.tmpl")" 2 "section $section has its markers"
done
have_go || skip_all "go is not on PATH"

dir=$(mktemp -d "$LIB_TOP/build/pipeline-go-XXXXXX")
trap 'rm -rf "$dir"; lib_exit' EXIT
render "$dir/empty" '""' ''
# shellcheck disable=SC2016 # for no shell
render "$dir/full" '"echo \"$(id)\" \u00e4\n"' '"npm=/home/yolo/.npm", "cargo=/home/yolo/.cargo"'
cd "$dir/empty" || exit 1
timeout 120 go mod download 2>"$T/download" || skip_all "the modules cannot be had: $(tail -n 1 "$T/download")"
is "$(gofmt -l "$dir")" "" "gofmt has nothing to change"
check "go.mod and go.sum are complete" go mod verify
# What it says of downloads on stderr is not part of the answer.
is "$(go mod tidy -diff 2>"$T/tidy" || echo "ended with $?: $(tail -n 3 "$T/tidy")")" "" "go.mod is tidy"
check "vetted" go vet ./...
check "compiles with values too" env -C "$dir/full" go vet ./...
check "unit tests" go test ./...
go build -o "$dir/pipeline" . || not_ok "builds"
is "$("$dir/pipeline" version)" "$(sed -n 's/^\tdagger.io\/dagger //p' go.mod)" "its version is the SDK's"

# Without any engine: a sentence and the end, quickly.
mkdir "$dir/pipe"
printf '{"v":1,"race":1,"repo":"0123456789abcdef","cli":"%s","runner":"/x","connect_ms":500,"sdk":"v0.21.8"}' "$dir/dagger" >"$dir/pipe/plan.json"
"$dir/pipeline" run "$dir/pipe" >"$T/events" 2>"$T/log"
is "$? $(jq -r .code "$T/events")" "2 engine_absent" "no CLI: fatal, engine_absent"
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\n[ "$1" = version ] && echo dagger v0.21.8 && exit\nexec sleep 1000\n' >"$dir/dagger"
chmod +x "$dir/dagger"
rm "$dir/pipe/lock"
start=$EPOCHREALTIME
"$dir/pipeline" run "$dir/pipe" >"$T/events" 2>"$T/log"
is "$? $(jq -r .code "$T/events")" "2 engine_absent" "a CLI that never connects: fatal, engine_absent"
took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
if [ $took -lt 5000 ]; then ok "within its time"; else not_ok "within its time" "$took ms"; fi
is "$(pgrep -f "$dir/dagger" || :)" "" "and leaves no process"
sed -i s/v0.21.8/v0.20.0/ "$dir/dagger"
rm "$dir/pipe/lock"
"$dir/pipeline" run "$dir/pipe" >"$T/events" 2>"$T/log"
is "$? $(jq -r .code "$T/events")" "2 version" "a CLI of another version: fatal, version"
like "$(jq -r .text "$T/events")" 'v0\.20\.0.*needs v0\.21\.8: install' "the sentence says what to do"
[ -s "$dir/pipe/lock" ] || not_ok "its pid stands in the lock"
"$dir/pipeline" run "$dir/pipe" >"$T/events" 2>"$T/log"
is "$? $(cat "$T/events")" "3 " "a directory that was used: exit 3, no event"
exec {fd}>"$dir/pipe/lock"
flock -n "$fd"
"$dir/pipeline" run "$dir/pipe" >"$T/events" 2>"$T/log"
is "$? $(cat "$T/events")" "3 " "a lock that is held: exit 3, no event"
flock -u "$fd"
"$dir/pipeline" run "$dir/pipe" >/dev/full 2>"$T/log"
is $? 3 "events that cannot be written: exit 3"
"$dir/pipeline" run 2>"$T/log"
is $? 64 "usage"
done_testing
