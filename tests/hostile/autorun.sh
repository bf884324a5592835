#!/bin/bash
# autorun.sh - files that tools run by themselves: promote names each, wants a second key for them, and runs none.
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

if have_bwrap; then
	engine=local
elif have_docker; then
	engine=docker
else
	skip_all "neither bubblewrap nor Docker here"
fi
M=$T/markers
mkdir "$M"
cd "$(toy_repo)" || exit 1
git config core.hooksPath tools/my-hooks
# A filter of the user's own, as git-lfs installs one.
git config filter.mine.smudge "cat; : >$M/users-own-smudge"
git config filter.mine.clean cat

TRAPS='mkdir -p .yolodeck/pipeline .husky tools/my-hooks .github/workflows sub/.vscode deep/.githooks .claude
for h in post-merge post-checkout pre-merge-commit reference-transaction post-index-change; do
	for d in .husky tools/my-hooks deep/.githooks; do printf "#!/bin/sh\n: >'$M'/$h\n" >$d/$h; chmod 755 $d/$h; done
done
printf "*.md filter=evil\n" >.gitattributes
printf "[lfs]\n\turl = https://example.org/\n" >.lfsconfig
ln -s tools/my-hooks .ddev
echo x >.yolodeck/pipeline/main.go; echo x >.yolodeck/race.json; echo x >.envrc; echo x >sub/.vscode/tasks.json; echo x >.github/workflows/a.yml; echo x >MAKEFILE; echo "{}" >package.json; echo x >.claude/settings.json
echo "# more" >>README.md'
{
	printf '{ "engine": "%s", "network": "none", "parallel": 3, "variants": [\n' $engine
	printf '{ "name": "traps", "command": %s },\n' "$(json_to_str "$TRAPS")"
	printf '{ "name": "plain", "command": "echo more >>README.md" },\n'
	printf '{ "name": "mine", "command": %s } ] }\n' "$(json_to_str 'echo "*.md filter=mine" >.gitattributes; echo new >new.md')"
} >"$T/race.json"
"$YOLO" run -f "$T/race.json" --allow-unlimited --wait >"$T/out" 2>&1
is $? 0 "the race ends" || cat "$T/out"
head=$(git rev-parse HEAD)

# ---- named ----

out=$("$YOLO" promote traps --dry-run --json | sed 's/.*"auto_run":\[\([^]]*\)\].*/\1/')
for f in .gitattributes .lfsconfig .husky/post-merge deep/.githooks/post-checkout tools/my-hooks/post-merge .ddev .envrc sub/.vscode/tasks.json .github/workflows/a.yml \
	MAKEFILE package.json .claude/settings.json .yolodeck/pipeline/main.go .yolodeck/race.json; do
	like "$out" "\"$f\"" "$f is named"
done
unlike "$out" 'README' "an ordinary file is not"
like "$("$YOLO" promote traps --dry-run)" 'auto-run +.*\.envrc' "in words, too"
like "$("$YOLO" promote plain --dry-run)" 'auto-run +none of' "control: of an ordinary variant none is named"

# ---- asked ----

refused "without a terminal and without -y nothing is promoted" 1 "$YOLO" promote traps
is "$(git rev-parse HEAD)" "$head" "nothing moved"
term_start 100x40 "$YOLO"
term_wait 'VARIANT'
term_keys 1 p
term_shows "the deck's dialog names them" 'auto-run .*(\.envrc|\.claude|\.ddev|\.gitattributes)'
term_shows "and asks for the capital" 'Y promote'
term_keys y
term_shows "y alone does not promote" 'Y promotes anyway'
is "$(git rev-parse HEAD)" "$head" "y: nothing moved"
term_keys Y
wait_ok "Y does" '[ "$(git rev-parse HEAD)" != '"$head"' ]'
term_stop
is "$(ls "$M")" "" "nothing of it ran at the promote"
check "undo" "$YOLO" undo -y
is "$(git rev-parse HEAD)" "$head" "undo: back"
is "$(ls "$M")" "" "nothing of it ran at the undo"
term_start 100x40 "$YOLO"
term_wait 'VARIANT'
term_keys 2 p
term_wait 'auto-run +none'
term_keys y
wait_ok "control: y is enough for an ordinary variant" '[ "$(git rev-parse HEAD)" != '"$head"' ]'
term_stop
check "undo of that" "$YOLO" undo -y

# The user's own filter is his: it runs at a promote as at any merge, and the plan says that .gitattributes changes.
like "$("$YOLO" promote mine --dry-run)" 'auto-run +\.gitattributes' "a .gitattributes that names a filter of the user is named"

# ---- control ----

check "promote -y" "$YOLO" promote traps -y
is "$(ls "$M")" "" "promote -y runs none"
git checkout -q -b other 2>/dev/null
like "$(ls "$M")" 'post-checkout' "control: the user's next plain checkout runs what was promoted"
done_testing
