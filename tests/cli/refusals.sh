#!/bin/bash
# refusals.sh - what is in the way of a race: one sentence with the next step, the exit code, nothing left behind.
# timeout: 900
# The dollars belong to the commands of the variants, the back quotes to what is said.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

run() {
	"$YOLO" run --engine fake --allow-unlimited "$@"
}

no_race() { # TEXT [REPO]
	local state
	state=$(state_dir "${2:-.}")
	if [ -n "$state" ] && [ -n "$(ls -A "$state/races" 2>/dev/null)" ]; then
		not_ok "$1: no race is left" "$(ls -R "$state/races")"
	else
		ok "$1: no race is left"
	fi
	is "$(git for-each-ref 'refs/heads/yolo' refs/yolodeck | wc -l)" 0 "$1: no reference is left"
}

# ---- repositories ----

mkdir "$T/empty" && cd "$T/empty" && git init -q
refused "an empty repository" 1 run -- true
like "$SAID" 'no commit yet; make one' "an empty repository: the next step"
no_race "an empty repository"

cd "$(toy_repo nobody)" || exit 1
mv "$HOME/.gitconfig" "$T/gitconfig"
refused "nobody to commit as" 1 env -u EMAIL GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.useConfigOnly GIT_CONFIG_VALUE_0=true \
	"$YOLO" run --engine fake --allow-unlimited -- true
like "$SAID" 'set user.name and user.email' "nobody to commit as: the next step"
mv "$T/gitconfig" "$HOME/.gitconfig"
no_race "nobody to commit as"
"$YOLO" shutdown >/dev/null

cd "$(toy_repo taken)" || exit 1
git branch yolo
refused "a branch named yolo in the way" 1 run -- true
like "$SAID" 'yolo' "a branch named yolo: named"
git branch -D -q yolo
refused "a base that is not there" 1 run --base nowhere -- true
like "$SAID" 'nowhere' "a base that is not there: named"
no_race "a base that is not there"
git checkout -q --detach
like "$(run --wait -- true 2>/dev/null)" '1 of 1 passed' "a detached HEAD is a base like any"

git clone -q --bare "$(toy_repo src)" "$T/bare.git" && cd "$T/bare.git" || exit 1
like "$(run --wait -- sh -c 'echo x >new' 2>/dev/null)" '1 of 1 passed' "a bare repository can race"
git -C "$(toy_repo wt)" worktree add -q "$T/linked" && cd "$T/linked" || exit 1
like "$(run --wait -- true 2>/dev/null)" '1 of 1 passed' "a linked work tree can race"
is "$("$YOLO" ls --json | grep -c '"race":1')" 1 "a linked work tree: its races are the repository's"
cd "$T/wt" && like "$("$YOLO" ls)" 'race 1 true' "a linked work tree: seen from the main one"

# ---- engines ----

cd "$(toy_repo engines)" || exit 1
refused "no docker daemon" 1 env DOCKER_HOST=unix:///nonexistent/docker.sock "$YOLO" run --engine docker -- true
like "$SAID" 'docker' "no docker daemon: said"
no_race "no docker daemon"
"$YOLO" shutdown >/dev/null
refused "dagger without an image" 1 "$YOLO" run --engine dagger -- true
like "$SAID" 'no image is known .`yolodeck init` finds one' "dagger without an image: said"
refused "limits that are not enforced" 1 "$YOLO" run --engine fake -- true
like "$SAID" 'not enforced here .*--allow-unlimited' "limits that are not enforced: the next step"
echo '{ "isolation": "container" }' >"$T/isolation.json"
refused "isolation of a container from an engine that is none" 1 run -f "$T/isolation.json" -- true
like "$SAID" 'container' "isolation of a container: said"
no_race "engines that refuse"

# ---- sizes ----

printf '{ "repeat": 99, "command": "%s" }' "$(printf 'true %.0s' {1..10000})" >"$T/big.json"
refused "a race that is too big to describe" 1 run -f "$T/big.json"
like "$SAID" 'put long commands into scripts' "a race that is too big: the next step"
head -c 110000 /dev/zero | tr '\0' a >"$T/long.txt"
refused "a prompt that is too long" 2 run --prompt-file "$T/long.txt" -- true
like "$SAID" 'the prompt has 110000 bytes' "a prompt that is too long: said"

# ---- the state directory ----

cd "$(toy_repo stored)" || exit 1
like "$(run --wait -- true 2>/dev/null)" '1 of 1 passed' "a race to begin with"
"$YOLO" shutdown >/dev/null
chmod 755 "$(state_dir)"
refused "a state directory that others can read" 1 "$YOLO" ls
chmod 700 "$(state_dir)"
printf 'junk' >"$(state_dir)/races/1/race.json"
like "$("$YOLO" ls)" 'race 1 damaged' "a damaged race is shown"
like "$("$YOLO" show 1 2>&1)" 'lost' "a damaged race: its variants are lost"
is "$(cat "$(state_dir)/races/1/race.json")" junk "a damaged file is left as it is"
is "$(run -d -- true 2>/dev/null)" 2 "the next race has the next number"
"$YOLO" wait 2 >/dev/null

# ---- the conductor ----

pid=$(conductor_pid)
kill -9 "$pid"
wait_for "[ ! -e /proc/$pid ]"
like "$("$YOLO" ls)" 'race 2 true' "after kill -9 the next verb starts a new conductor"
unlike "$(conductor_pid)" "^$pid\$" "it is another one"
"$YOLO" shutdown >/dev/null
wait_ok "shutdown ends it" '[ -z "$(conductor_pid)" ]'
is "$("$YOLO" shutdown)" "no conductor runs" "shutdown without one says so"
is "$("$YOLO" status)" "yolo 2 !0 >0 v1 x0" "status reads the disk when no conductor runs"
is "$(conductor_pid)" "" "status starts none"
is "$("$YOLO" log 2/true | wc -c)" 0 "log starts none"
is "$(conductor_pid)" "" "log needs none"

# ---- another environment than the conductor's ----

like "$(DOCKER_HOST=unix:///nowhere/d.sock "$YOLO" doctor)" 'no socket at /nowhere/d.sock' "doctor asks the daemon of this environment"
live=$(run -d -- tail -f /dev/null 2>/dev/null)
wait_ok "it runs" '"$YOLO" ls | grep -q running'
refused "a race with another DOCKER_HOST while variants are live" 1 env DOCKER_HOST=unix:///else/d.sock "$YOLO" run --engine fake --allow-unlimited -d -- true
like "$SAID" 'DOCKER_HOST is unix:///else/d.sock' "another DOCKER_HOST: both are named"
like "$("$YOLO" kill --all)" "^killed $live/tail; files and logs stay$" "kill --all names only what was live"
"$YOLO" wait "$live" >/dev/null
like "$(DOCKER_HOST=unix:///else/d.sock run --wait -- true 2>/dev/null)" '1 of 1 passed' "with nothing live the conductor is replaced"
done_testing
