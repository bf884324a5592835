#!/bin/bash
# init.sh - init, init --upgrade, check-pipeline, and races that take the rest from .yolodeck/race.json.
# The dollars belong to shells of other places.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1
have_go && GO=yes || GO=

cd "$(toy_repo)" || exit 1
printf '{ "engines": { "node": ">=20" }, "scripts": { "test": "sh check.sh" } }\n' >package.json
echo '{}' >package-lock.json
P=.yolodeck/pipeline

# ---- before ----

refused "check-pipeline without a pipeline" 1 "$YOLO" check-pipeline
like "$SAID" 'there is no .yolodeck/pipeline.*`yolodeck init` writes it' "it says what to do"
refused "init --upgrade without a pipeline" 1 "$YOLO" init --upgrade
like "$SAID" 'yolodeck init` writes it' "that too"
out=$("$YOLO" init --dry-run)
is $? 0 "init --dry-run"
like "$out" 'package.json .engines.node.: a Node.js project, image node:20' "what it found and why"
like "$out" 'package-lock.json: shared setup npm ci' "the shared setup"
like "$out" '"check": "npm test"' "the race file it would write"
check "nothing was written" test ! -e .yolodeck

# ---- init ----

before=$(find . -path ./.git -prune -o -type f -print | sort | xargs sha256sum)
out=$("$YOLO" init)
is $? 0 "init"
like "$out" 'cache npm=/home/yolo/.npm' "init: the caches"
is "$(find . -path ./.git -prune -o -path ./.yolodeck -prune -o -type f -print | sort | xargs sha256sum)" "$before" "nothing but .yolodeck/ was touched"
is "$(find .yolodeck -name '.pipeline*')" "" "nothing is left over"
check "main.go" grep -q '^var setup = "npm ci"$' $P/main.go
check "main.go: caches" grep -q 'list("npm=/home/yolo/.npm")' $P/main.go
check "go.mod names the SDK" grep -q 'dagger.io/dagger v' $P/go.mod
check "the Go tests of the template are not for the user" test -z "$(find $P -name '*_test.go' -o -name '*.tmpl')"
is "$(stat -c %a $P/main.go .yolodeck/race.json | sort -u)" 644 "the modes of files"
[ -z "$GO" ] || is "$(gofmt -l $P)" "" "what was rendered is formatted"
sum=$(find .yolodeck -type f -print0 | sort -z | xargs -0 sha256sum)
refused "init a second time" 1 "$YOLO" init
like "$SAID" 'race.json are there already and were left' "it says that nothing was to do"
is "$(find .yolodeck -type f -print0 | sort -z | xargs -0 sha256sum)" "$sum" "and changed nothing"
rm .yolodeck/race.json
out=$("$YOLO" init --check 'sh check.sh' --image toy:1 --json)
is $? 0 "init writes what is missing only"
like "$out" '"written":\[".yolodeck/race.json"\],"left":\[".yolodeck/pipeline"\],"image":"toy:1","setup":"npm ci","check":"sh check.sh"' "init --json"

# ---- a race with it ----

out=$("$YOLO" run -n 3 --dry-run -- ./attempt.sh)
is $? 0 "a command after -- and the file"
like "$out" '3 variants.*image toy:1.*command ./attempt.sh.*check sh check.sh' "image and check are the file's"
refused "run without a command anywhere" 2 "$YOLO" run -n 3
like "$SAID" 'race.json: there is no "command" and no "variants", so nothing to run' "it says what is missing, and where"
out=$("$YOLO" run --engine fake --allow-unlimited -n 2 --wait -- sh -c 'echo "# $YOLO_INDEX" >>README.md' 2>/dev/null)
is $? 0 "init && run: it runs"
like "$out" '2 of 2 passed' "and the check of the file decides"
printf '{ "name": "file", "image": "a:1", "command": "x", "variants": [ { "name": "b", "command": "y" } ], "matrix": { "m": [1, 2] }, "repeat": 3,
	"env": { "A": "1" }, "prompt": "task", "limits": { "memory": "2g" }, }\n' >.yolodeck/race.json
out=$("$YOLO" run --dry-run --json -- z)
like "$out" '"variants":\[\{"name":"z","argv":\["z"\]' "what the file would run does not count"
unlike "$out" '"file"|"name":"b"|m=1' "nor its name, variants and matrix"
like "$out" 'A=1|"A":"1"' "its environment does"
like "$out" '"prompt":"task"' "its prompt does"
like "$("$YOLO" run --dry-run)" '9 variants' "without a command the file counts whole"
like "$("$YOLO" run --dry-run --image c:2 --matrix k=1,2 -- z)" '2 variants.*image c:2' "options come before the file"
printf '{ "comand": "x" }\n' >.yolodeck/race.json
refused "a mistake in the file is said with a command, too" 1 "$YOLO" run --dry-run -- z
like "$SAID" 'race.json:1: comand' "with its line"
echo '{ "image": "f:1" }' >"$T/f.json"
out=$("$YOLO" run -f "$T/f.json" --dry-run -- z)
like "$out" 'image f:1' "-f is another file"

# ---- hostile places and values ----

cd "$(toy_repo second)" || exit 1
mkdir "$T/elsewhere"
ln -s "$T/elsewhere" .yolodeck
refused "a link in the place of .yolodeck" 1 "$YOLO" init
like "$SAID" 'is a link' "it says so"
is "$(ls -A "$T/elsewhere")" "" "and wrote nothing through it"
rm .yolodeck
mkdir .yolodeck
ln -s "$T/elsewhere/race.json" .yolodeck/race.json
ln -s "$T/elsewhere" .yolodeck/pipeline
refused "links in the places of both" 1 "$YOLO" init
is "$(ls -A "$T/elsewhere")" "" "nothing through them either"
rm -r .yolodeck
nasty='echo "a`b$(c)" \ '"'"'%s'"'"'
// yolodeck:end setup
{{caches}} }*/'
out=$("$YOLO" init --setup "$nasty" --check "$nasty")
is $? 0 "init with a setup full of quotes and newlines"
like "$(grep '^var setup' $P/main.go)" '^var setup = "echo \\"a`b\$\(c\)\\" \\\\ .%s.\\n// yolodeck:end setup\\n\{\{caches\}\} \}\*/"$' "it is one literal"
is "$("$YOLO" run --dry-run --json -- z | jq -r '.spec.variants[0].check')" "$nasty" "the check arrives as it was given"
rm -r .yolodeck
refused "an image of two words" 1 "$YOLO" init --image 'two words'
check "nothing is written for it" test ! -e .yolodeck
refused "the image host" 1 "$YOLO" init --image host
like "$SAID" 'needs an image' "Dagger needs a real one"
check "init --setup '' --check ''" "$YOLO" init --setup '' --check ''
check "an empty setup is none" grep -q '^var setup = ""$' $P/main.go

# ---- upgrade ----

check "a fresh one is of this version" "$YOLO" init --upgrade
like "$("$YOLO" init --upgrade)" 'of this version already' "it says so"
sed -i 's|^var setup = ""|var setup = "make mine"|' $P/main.go
echo keep >$P/notes.txt
# As an older template would have left it: the same change in the file and in what was noted about it.
mkdir -p "$XDG_CONFIG_HOME/yolodeck/templates/pipeline/runtime"
sed 's|package runtime|// Of a newer template.\npackage runtime|' "$LIB_TOP/templates/pipeline/runtime/events.go" >"$XDG_CONFIG_HOME/yolodeck/templates/pipeline/runtime/events.go"
if [ -n "$GO" ]; then
	"$YOLO" check-pipeline >"$T/out" 2>&1
	is $? 1 "an old pipeline"
	like "$(cat "$T/out")" 'older template .*`yolodeck init --upgrade`' "check-pipeline says what to do"
fi
check "--upgrade --dry-run" "$YOLO" init --upgrade --dry-run
check "changes nothing" cmp -s "$LIB_TOP/templates/pipeline/runtime/events.go" $P/runtime/events.go
out=$("$YOLO" init --upgrade)
is $? 0 "init --upgrade"
like "$out" 'renewed; the custom sections are as they were' "it says so"
check "the file is the new one" grep -q 'Of a newer template' $P/runtime/events.go
check "the section is the user's" grep -q '^var setup = "make mine"$' $P/main.go
is "$(cat $P/notes.txt)" keep "a file that is none of ours stays"
is "$(find .yolodeck -name '.pipeline*')" "" "nothing is left over"
like "$("$YOLO" init --upgrade)" 'of this version already' "once more: nothing to do"
sed -i 's|^func list|var mine int\n\nfunc list|' $P/main.go
rm -r "$XDG_CONFIG_HOME/yolodeck"
sum=$(find .yolodeck -type f -print0 | sort -z | xargs -0 sha256sum)
out=$("$YOLO" init --upgrade 2>"$T/err")
is $? 1 "upgrade of a changed one"
like "$out" '--- a/main.go.*\+\+\+ b/main.go.*\+var mine int' "the difference on stdout"
unlike "$out" 'make mine' "the section is no difference"
like "$(cat "$T/err")" 'main.go:[0-9]*: outside: .*Nothing was changed' "the sentence on stderr"
is "$(find .yolodeck -type f -print0 | sort -z | xargs -0 sha256sum)" "$sum" "and nothing was changed"
check "taking it back" sed -i '/^var mine int$/,+1d' $P/main.go
check "then it goes" "$YOLO" init --upgrade

# ---- of the layout before the folder runtime/: all files beside main.go ----

mv $P "$T/new"
mkdir $P
cp "$T/new/go.mod" "$T/new/go.sum" "$T/new/CONSTRAINTS.md" $P/
for file in events plan session; do sed 's|^package runtime|package main|' "$T/new/runtime/$file.go" >$P/$file.go; done
cat >$P/main.go <<'GO'
// main.go - your part of the pipeline, and its main.
package main

// yolodeck:begin base
var caches = list("npm=/home/yolo/.npm")

func customBase(client *dagger.Client, ctr *dagger.Container) *dagger.Container {
	return ctr.WithEnvVariable("MINE", strings.ToUpper("base"))
}

// yolodeck:end base

// yolodeck:begin setup
var setup = "make mine"

func customSetup(client *dagger.Client, ctr *dagger.Container) *dagger.Container {
	return ctr.WithExec([]string{"sh", "-c", setup})
}

// yolodeck:end setup

// yolodeck:begin wrap
func customWrap(argv []string) []string {
	return append([]string{"nice"}, argv...)
}

// yolodeck:end wrap

// yolodeck:begin commands
var commands = map[string][]string{"lint": {"npm", "run", "lint"}}

// yolodeck:end commands

func main() {
	os.Exit(runMode(os.Args[1]))
}
GO
# what the older version noted: a hash of each file without its sections
for file in "$P"/*; do
	sum=$(awk '/^\/\/ yolodeck:end / { cut = 0 } !cut { print } /^\/\/ yolodeck:begin / { cut = 1 }' "$file" | sha256sum | cut -c1-16)
	echo "$sum ${file##*/}"
done >"$T/sums"
{
	echo "# Written by yolodeck"
	echo "template 0.0.9"
	cat "$T/sums"
} >$P/.rendered
mkdir $P/scripts
echo echo >$P/scripts/mine.sh
sections() { awk '/^\/\/ yolodeck:end / { on = 0 } on { print } /^\/\/ yolodeck:begin / { on = 1 }' "$1"; }
sections $P/main.go >"$T/sections"
if [ -n "$GO" ]; then refused "a pipeline of the old layout" 1 "$YOLO" check-pipeline; fi
out=$("$YOLO" init --upgrade)
like "$out" 'renewed; the custom sections are as they were' "init --upgrade carries the old layout over"
is "$(cd $P && find . -type f | grep -c '^./runtime/.*\.go$')" "$(cd "$T/new" && find runtime -name '*.go' | wc -l)" "the runtime is in its folder"
is "$(cd $P && find . -maxdepth 1 -name '*.go')" ./main.go "and nowhere else"
is "$(sections $P/main.go | sed '/^$/d')" "$(sed '/^$/d' "$T/sections")" "each section is as it was"
is "$(cat $P/scripts/mine.sh)" echo "a file that is none of ours stays"
is "$(find .yolodeck -name '.pipeline*')" "" "nothing is left over"
if [ -n "$GO" ]; then check "it keeps to CONSTRAINTS.md" "$YOLO" check-pipeline; fi
if [ -n "$GO" ] && (cd $P && timeout 120 go mod download 2>/dev/null); then
	check "and compiles with these sections" env -C $P GOFLAGS=-mod=readonly GOPROXY=off GOWORK=off CGO_ENABLED=0 go build -o /dev/null .
else
	skip "it compiles with these sections" "no Go, or the modules cannot be had"
fi
rm -r $P
mv "$T/new" $P

# ---- check-pipeline ----

if [ -z "$GO" ]; then
	skip "check-pipeline" "no go on PATH"
	done_testing
	exit 0
fi
out=$("$YOLO" check-pipeline)
is $? 0 "our own template keeps to CONSTRAINTS.md"
like "$out" 'follows CONSTRAINTS.md' "it says so"
is "$("$YOLO" check-pipeline --json)" '{"schema":1,"ok":true,"findings":[]}' "--json"
sed -i 's|^	return argv$|	go f()\n	return argv|' $P/main.go
out=$("$YOLO" check-pipeline 2>/dev/null)
is $? 1 "a goroutine in a section"
like "$out" '^.yolodeck/pipeline/main.go:[0-9]+: concurrency: ' "file, line, rule"
like "$("$YOLO" check-pipeline --json)" '"ok":false,"findings":\[\{"file":"main.go","line":[0-9]+,"rule":"concurrency","text":"a goroutine' "--json of it"
echo 'package main' >$P/more.go
out=$("$YOLO" check-pipeline 2>/dev/null)
like "$out" 'more.go:1: outside: this file is not one' "a file more"
ln -sf /etc/passwd $P/more.go
refused "a link among the files" 1 "$YOLO" check-pipeline
like "$SAID" 'more.go is a link' "it says so"
rm $P/more.go
mkdir "$T/no-go"
ln -s "$(command -v git)" "$T/no-go/git"
refused "check-pipeline without Go, the first time" 1 env XDG_STATE_HOME="$T/fresh" PATH="$T/no-go" "$YOLO" check-pipeline
like "$SAID" 'no go on PATH' "it says so"
mkdir "$T/sub" && cd "$T/sub" && git init -q --bare
refused "a repository without a work tree" 1 "$YOLO" init
refused "check-pipeline there" 1 "$YOLO" check-pipeline
done_testing
