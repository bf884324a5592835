#!/bin/bash
# markers.sh - a variant plants programs wherever git, a hook manager or a checkout might start one; no verb of ours starts any.
# timeout: 1500
# Every trap writes a file below $M, a path that only the host has: inside a sandbox it does not exist. At the end plain git in
# a copy of the same tree shows that the traps are good.
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

M=$T/markers
mkdir "$M"

# Text of a shell script that plants it all in the current directory, which is a work tree with its private .git.
plant() {
	local h
	cat <<PLANT
set -e
mark() { printf '#!/bin/sh\n: >$M/%s\n[ -t 0 ] || cat\nexit 0\n' "\$1" >"\$2"; chmod 755 "\$2"; }
evil_config() {
	cat >>"\$1" <<CONFIG
[core]
	fsmonitor = : >$M/fsmonitor; false
	pager = : >$M/pager; cat
	editor = : >$M/editor; true
	sshCommand = : >$M/ssh
	askPass = $M/../askpass
[diff]
	external = : >$M/external; true
[diff "evil"]
	textconv = : >$M/textconv; cat
	command = : >$M/diffcommand; true
[merge "evil"]
	driver = : >$M/driver; true
[filter "evil"]
	clean = : >$M/clean; cat
	smudge = : >$M/smudge; cat
[filter "evilprocess"]
	process = : >$M/process; false
	clean = : >$M/process; cat
[gpg]
	program = ./.husky/gpg
[commit]
	gpgSign = true
[alias]
	evil = !: >$M/alias
[uploadpack]
	packObjectsHook = : >$M/packobjects
[credential]
	helper = !: >$M/credential
[interactive]
	diffFilter = : >$M/difffilter; cat
CONFIG
}
evil_config .git/config
evil_config "\$HOME/.gitconfig"
PLANT
	for h in applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg post-commit pre-rebase \
		post-checkout post-merge pre-push pre-receive update post-receive post-update reference-transaction push-to-checkout pre-auto-gc \
		post-rewrite sendemail-validate fsmonitor-watchman post-index-change proc-receive; do
		printf 'mkdir -p .git/hooks .husky\nmark hook-%s .git/hooks/%s\nmark husky-%s .husky/%s\n' $h $h $h $h
	done
	cat <<'PLANT'
mark gpg .husky/gpg
printf '* filter=evil merge=evil\n*.sh diff=evil\n*.md filter=evilprocess\n' >.gitattributes
mkdir -p .git/info
cp .gitattributes .git/info/attributes
printf '[lfs]\n\turl = ssh://-oProxyCommand=x/\n[lfs "customtransfer.evil"]\n\tpath = /bin/sh\n' >.lfsconfig
printf 'echo evil\n' >.envrc
echo "# changed" >>src/add.sh
sed -i s/toy/TOY/ README.md
PLANT
}

# A repository inside, one that is bare, and submodules that ask for a program.
plant_nested() {
	cat <<'PLANT'
mkdir -p sub bare.git/objects bare.git/refs gitlink
cp -r .git sub/.git
echo inside >sub/file
printf 'ref: refs/heads/work\n' >bare.git/HEAD
cp .git/config bare.git/config
printf 'gitdir: ../sub/.git\n' >gitlink/.git
echo inside >gitlink/file
printf '[submodule "x"]\n\tpath = gitlink\n\turl = -u./evil\n\tupdate = !./evil\n' >.gitmodules
PLANT
}

live='i=0; while [ ! -e stop ] && [ $i -lt 600 ]; do i=$((i+1)); echo $i >>grows; sleep 0.1; done'
unmarked() { # TEXT
	is "$(ls "$M")" "" "$1: nothing of the variant ran on the host"
}

# Every verb, over a race of two: 1 can be promoted, 2 holds repositories.
verbs() { # RACE
	local r=$1 before
	before=$(git rev-parse HEAD)
	for verb in "ls --all" "ls --json" "show $r/1" "show $r/2" "log $r/1" "log $r/2" "diff $r/1" "diff $r/1 --stat" "diff $r/1 $r/1" status \
		"report $r" "report $r --markdown" doctor "promote $r/1 --dry-run"; do
		# shellcheck disable=SC2086 # words
		"$YOLO" $verb >"$T/out" 2>&1 </dev/null || [ "$verb" = doctor ] || not_ok "$verb" "$(cat "$T/out")"
	done
	unmarked "looking at race $r"
	like "$("$YOLO" diff "$r/1")" '\+# changed' "diff shows what the variant did"
	like "$("$YOLO" promote "$r/1" --dry-run)" '\.husky/' "promote says which files run by themselves"
	check "archive" "$YOLO" archive "$r/1"
	check "restore" "$YOLO" restore "$r/1"
	for how in --merge --squash; do
		check "promote $how" "$YOLO" promote "$r/1" "$how" -y
		check "it is in the work tree" grep -q changed src/add.sh
		check "verbs after it" "$YOLO" ls
		check "undo" "$YOLO" undo -y
		is "$(git rev-parse HEAD)" "$before" "undo: back"
	done
	unmarked "promote, undo, archive and restore of race $r"
	refused "promote of the one that holds repositories" 1 "$YOLO" promote "$r/2" -y
	like "$SAID" 'nested repository|submodule|\.gitmodules' "it says what it holds"
	unmarked "the refused one of race $r"
}

# The deck looks at live columns while both variants write on.
columns() { # RACE
	term_start 120x40 "$YOLO"
	term_shows "the deck shows live columns" '1 +[a-z-]*first.* \+[0-9]{2,} '
	term_keys d
	term_wait 'src/add.sh'
	term_keys i
	term_stop
	unmarked "live columns of race $1"
}

race() { # ENGINE NUMBER
	local dir
	plant >"$T/plant1"
	{
		plant
		plant_nested
	} >"$T/plant2"
	{
		printf '{ "engine": "%s", "network": "none", "parallel": 2, "variants": [\n' "$1"
		printf '{ "name": "first", "command": %s },\n' "$(json_to_str "$(cat "$T/plant1")
$live")"
		printf '{ "name": "second", "command": %s } ] }\n' "$(json_to_str "$(cat "$T/plant2")
$live")"
	} >"$T/race.json"
	if ! is "$("$YOLO" run -f "$T/race.json" -d 2>"$T/err")" "$2" "$1: the race starts"; then
		sed 's/^/# /' "$T/err"
		return
	fi
	dir=$(state_dir)/races/$2
	wait_ok "$1: both planted" '[ -s '"$dir"'/first/work/grows ] && [ -s '"$dir"'/second/work/grows ]'
	columns "$2"
	: >"$dir/first/work/stop"
	: >"$dir/second/work/stop"
	"$YOLO" wait "$2" >"$T/out"
	is "$?" 0 "$1: both ended by themselves" || "$YOLO" log 1 | tail -5 | sed 's/^/# /'
	unmarked "saving of race $2"
	verbs "$2"
}

# Plain git, as it should never be used: the very same tree, a copy of it, on the host.
control() { # RACE
	local work
	work=$(state_dir)/races/$1/first/work
	cp -r "$work" "$T/copy"
	(
		cd "$T/copy" || exit 1
		export GIT_ALTERNATE_OBJECT_DIRECTORIES=$TOY/.git/objects
		touch -d '2021-01-01' src/add.sh README.md
		git status
		git diff -- src
		git -c filter.evilprocess.process= diff -- README.md
		git add README.md
		git -c core.fsmonitor=false -c core.hooksPath=/dev/null add -A
		# A filter process that hangs up ends a commit before its hooks.
		git -c filter.evilprocess.process= -c commit.gpgSign=false commit --allow-empty -m x
		git log -p -2
		git -c filter.evilprocess.process= commit --allow-empty -m signed
		git evil
		git checkout -b other
	) >"$T/control.out" 2>&1 </dev/null
	for m in fsmonitor clean process external diffcommand textconv gpg alias hook-pre-commit hook-post-commit hook-post-checkout hook-post-index-change \
		hook-reference-transaction; do
		check "control: with plain git the trap $m works" test -e "$M/$m"
	done
	rm -f "$M"/*
	# The user's own hooksPath leads into the tree: his next plain merge runs what the variant brought.
	git merge -q --no-edit "yolo/$1/first" >"$T/control.out" 2>&1
	like "$(ls "$M")" 'husky-' "control: a plain merge runs the hook that the variant brought"
}

TOY=$(toy_repo)
cd "$TOY" || exit 1
git config core.hooksPath .husky
n=0
for engine in local docker; do
	if [ $engine = local ] && ! have_bwrap; then
		skip "markers on local" "no bubblewrap here"
	elif [ $engine = docker ] && ! have_docker; then
		skip "markers on docker" "no Docker daemon here"
	else
		n=$((n + 1))
		race $engine $n
	fi
done
[ $n -gt 0 ] || skip_all "neither bubblewrap nor Docker here"
control $n
done_testing
