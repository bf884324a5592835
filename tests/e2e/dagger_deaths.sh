#!/bin/bash
# dagger_deaths.sh - each part of a race on Dagger dies once: conductor, pipeline, engine; and each is missing once.
# timeout: 3000
# shellcheck disable=SC2016 # the commands are for the container's shell
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/lib/dagger.sh
. "$(dirname "$0")/../lib/dagger.sh"

cd "$(toy_repo deaths)" || exit 1
COUNT='echo "work of $YOLO_INDEX" >file.txt; i=0; while [ $i -lt 36000 ]; do echo "line $i"; i=$((i+1)); [ ! -e stop ] || exit 3; sleep 0.1; done'

states() { # RACE -> " 3 running"
	yolodeck ls --json | jq -r ".rows[] | select(.race == $1) | .state" | sort | uniq -c | tr -s ' ' | tr -d '\n'
}

# Of a pipeline: what holds its lock.
pipeline_pid() { # RACE K
	cat "$(state_dir)/races/$1/pipe/$2/lock" 2>/dev/null
}

# ---- what is missing: a sentence within 2 s, and what auto makes of it ----

# The conductor was started with another environment, so each case gets its own.
missing() { # TEXT REGEX COMMAND... (runs with what precedes it as environment)
	local text=$1 regex=$2 at=${EPOCHREALTIME/[.,]/} ms
	shift 2
	yolodeck shutdown >/dev/null 2>&1
	refused "$text is refused" 1 "$@"
	ms=$(((${EPOCHREALTIME/[.,]/} - at) / 1000))
	like "$SAID" "$regex" "$text: the sentence"
	echo "# $text: $ms ms"
}
for a in container://yolodeck-no-such-engine tcp://127.0.0.1:1 "unix://$T/none"; do
	missing "engine at ${a%%:*}" "dagger: .*(no container|no Dagger engine answers)" \
		env _EXPERIMENTAL_DAGGER_RUNNER_HOST="$a" yolodeck run --engine dagger --image "$IMAGE" -d -- true
done
printf '#!/bin/sh\necho "dagger v0.1.0 (registry) linux/amd64"\n' >"$T/bin/old-dagger"
chmod +x "$T/bin/old-dagger"
missing "another version" "dagger v0.1.0 is installed, and the pipeline needs v[0-9.]+" \
	env _EXPERIMENTAL_DAGGER_CLI_BIN="$T/bin/old-dagger" yolodeck run --engine dagger --image "$IMAGE" -d -- true
missing "no command" "no dagger on PATH" env _EXPERIMENTAL_DAGGER_CLI_BIN="$T/none" yolodeck run --engine dagger --image "$IMAGE" -d -- true
missing "no Go" "no go on PATH" env PATH="$T/bin:/usr/bin:/bin" yolodeck run --engine dagger --image "$IMAGE" -d -- true
missing "no image" "no image is known" yolodeck run --engine dagger -d -- true
yolodeck shutdown >/dev/null 2>&1
_EXPERIMENTAL_DAGGER_RUNNER_HOST=container://yolodeck-no-such-engine yolodeck run --image "$IMAGE" -n 1 --wait -- true >/dev/null 2>&1
is "$(of 1/1 .row.engine)" docker "without an engine auto takes docker"
like "$(of 1/1 .race.engine_why)" "not dagger: there is no container" "and says why"
yolodeck shutdown >/dev/null 2>&1
RACE=$(yolodeck run --image "$IMAGE" -n 1 -d -- true 2>/dev/null)
is "$(of "$RACE/1" .row.engine)" dagger "with one and an image it takes dagger"

# ---- the conductor dies ----

RACE=$(dagger_race -n 3 --name conductor --parallel 3 -d -- sh -c "$COUNT" 2>/dev/null)
wait_ok "three run" '[ "$(states $RACE)" = " 3 running" ]' 120
kill -9 "$(conductor_pid)"
PIPE=$(pipeline_pid "$RACE" 0)
LOG=$(state_dir)/races/$RACE/conductor-2/log
SIZE=$(stat -c %s "$LOG")
wait_ok "the pipeline goes on without it" "[ \$(stat -c %s '$LOG') -gt $((SIZE + 100)) ]"
is "$(states "$RACE")" " 3 running" "another one takes them up"
is "$(pipeline_pid "$RACE" 0)" "$PIPE" "in the same process"
kill -9 "$(conductor_pid)"
yolodeck kill "$RACE/1" "$RACE/2" "$RACE/3" >/dev/null
wait_ok "they end when the next one is told to" '[ "$(states $RACE)" = " 3 killed" ]' 120
yolodeck log "$RACE/2" >"$T/got"
check "not a line is missing or twice" awk '$2 != n++ { exit 1 }' "$T/got"
is "$(git show "yolo/$RACE/conductor-3:file.txt")" "work of 3" "the files are on the branch"

# ---- the pipeline dies ----

RACE=$(dagger_race -n 2 --name pipeline --parallel 2 -d -- sh -c "$COUNT" 2>/dev/null)
wait_ok "two run" '[ "$(states $RACE)" = " 2 running" ]' 120
wait_for "grep -q 'line 10' '$(state_dir)/races/$RACE/pipeline-1/log'"
kill -9 "$(pipeline_pid "$RACE" 0)"
wait_ok "they are lost, and said to be" '[ "$(states $RACE)" = " 2 lost" ]' 120
like "$(of "$RACE/1" .row.reason)" "^the pipeline died" "and why"
is "$(git show "yolo/$RACE/pipeline-1:file.txt" "yolo/$RACE/pipeline-2:file.txt" | tr '\n' ' ')" "work of 1 work of 2 " "their files were collected"
LAST=$(yolodeck log "$RACE/1" | tail -n 1)
like "$LAST" "^line [0-9]+$" "the log is whole to its last line"

# ---- one engine of two dies ----

UP=$LIB_TOP/../shared/dagger-engine
HOST=${_EXPERIMENTAL_DAGGER_RUNNER_HOST:-}
if [ ! -x "$UP/up" ] || [ -z "$HOST" ]; then
	skip "an engine is killed" "no recipe for a private engine"
	done_testing
	exit
fi
export DAGGER_ENGINE_NAME=yolodeck-test-${T##*-}
own_engine_down() {
	docker rm -f -v "$DAGGER_ENGINE_NAME" >/dev/null 2>&1
	docker volume rm "$DAGGER_ENGINE_NAME-state" >/dev/null 2>&1
	dagger_clean
}
trap own_engine_down EXIT
HOME=$LIB_HOME "$UP/up" >/dev/null 2>"$T/up.log" || {
	skip "an engine is killed" "the private engine did not come up"
	done_testing
	exit
}
RACE=$(dagger_race -n 4 --name engine --parallel 4 --runner "$HOST" --runner "container://$DAGGER_ENGINE_NAME" -d -- sh -c "$COUNT" 2>/dev/null)
wait_ok "four run, two in a private engine" '[ "$(states $RACE)" = " 4 running" ]' 120
is "$(of "$RACE/2" .row.engine)" "dagger at container://$DAGGER_ENGINE_NAME" "each says where"
PIPE=$(state_dir)/races/$RACE/pipe
PRIVATE=$(grep -l -F "$DAGGER_ENGINE_NAME" "$PIPE"/*/plan.json | sed 's,/plan.json,,')
wait_for "grep -q 'line 10' '$(state_dir)/races/$RACE/engine-2/log'"
# somebody watches: their files are brought here now and then
timeout 120 yolodeck wait "$RACE" >/dev/null 2>&1 &
wait_ok "a checkpoint came" "grep -q '\"ev\":\"checkpoint\"' '$PRIVATE/events.jsonl'" 90
docker kill "$DAGGER_ENGINE_NAME" >/dev/null
AT=${EPOCHREALTIME/[.,]/}
wait_ok "its two are lost, the others run" '[ "$(states $RACE)" = " 2 lost 2 running" ]'
echo "# said $(((${EPOCHREALTIME/[.,]/} - AT) / 1000)) ms after the engine was killed"
like "$(of "$RACE/2" .row.reason)" "[Ee]ngine" "the reason names the engine"
ID=$(jq -r 'select(.ev == "checkpoint") | .id' "$PRIVATE/events.jsonl" | head -n 1)
is "$(git show "yolo/$RACE/$ID:file.txt")" "work of ${ID#engine-}" "what was brought here before is on its branch"
yolodeck kill "$RACE/1" "$RACE/3" >/dev/null
wait_ok "the others end well" '[ "$(states $RACE)" = " 2 killed 2 lost" ]' 120
done_testing
