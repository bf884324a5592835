#!/bin/bash
# names.sh - names, links and things that no tree should hold: each ends in a stated refusal or in a right commit, and nothing hangs.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

VARIANTS=()
add() { # NAME COMMAND
	VARIANTS+=("{ \"name\": \"$1\", \"command\": $(json_to_str "$2") }")
}

# One race on one engine; its number is left in $race.
run_all() { # ENGINE
	(
		IFS=,
		printf '{ "engine": "%s", "network": "none", "parallel": 3, "variants": [ %s ] }\n' "$1" "${VARIANTS[*]}"
	) >"$T/race.json"
	race=$("$YOLO" run -f "$T/race.json" --allow-unlimited -d 2>"$T/err") || not_ok "the race starts" "$(cat "$T/err")" || return 1
	timeout 400 "$YOLO" wait "$race" >"$T/out"
	is $? 0 "the race comes to its end" || tail -n 30 "$T/out"
}

# The row is passed all the same; promote is refused and says this; nothing of the user's changed.
refuses() { # NAME REGEX [BRANCH]
	like "$("$YOLO" show "$race/$1")" "state +passed" "$1: the row keeps its state"
	refused "$1: promote is refused" 1 "$YOLO" promote "$race/$1" -y
	like "$SAID" "$2" "$1: by this name"
	unlike "$SAID" $'[\001-\010\013-\037\177]|\302[\200-\237]|\342\200[\216\217\252-\256]' "$1: the sentence is clean"
	is "$(git status --porcelain)$(git rev-parse HEAD)" "$HEAD" "$1: nothing changed here"
	is "$(git branch --list "yolo/$race/$1" --format '%(refname:short)')" "${3:-}" "$1: ${3:-no} branch"
}

# A commit of exactly these paths beside those of the base.
commits() { # NAME PATHS...
	local name=$1 want
	shift
	like "$("$YOLO" show "$race/$name")" "state +passed" "$name: passed"
	want=$(printf '%s\n' "$@" | sort)
	is "$(git -c core.quotePath=true diff --name-only --no-renames HEAD "yolo/$race/$name" 2>&1 | sort)" "$want" "$name: the commit holds what it should"
	check "$name: promote would do" "$YOLO" promote "$race/$name" --dry-run
}

# ---- what is refused ----

add abslink 'ln -s /etc/passwd link'
add uplink 'ln -s ../../../../etc/passwd link'
add throughlink 'mkdir d; ln -s d e; ln -s e/../../x f'
add gitlinkname 'ln -s .git/config c'
add control 'touch "$(printf "a\nb")" "$(printf "c\033]52;c;aGk=\007d")"'
add bidi 'touch "$(printf "a\342\200\256gpj.exe")"'
add c1 'touch "$(printf "a\302\233b")"'
add backslash 'touch "a\\b"'
add case 'touch Same same SAME'
add dircase 'mkdir Dir dir; touch Dir/a dir/b'
add nfc 'touch "$(printf "e\314\201")" "$(printf "\303\251")"'
add dotgit 'mkdir .GIT; echo x >.GIT/config'
add short 'mkdir git~1; echo x >git~1/config'
add zwj 'mkdir "$(printf ".g\342\200\214it")"; echo x >"$(printf ".g\342\200\214it/config")"'
add trailing 'mkdir ".git "; echo x >".git /config"; mkdir ".git."; echo x >.git./config'
add stream 'echo x >".git::\$INDEX_ALLOCATION"'
add attrlink 'ln -s README.md .gitattributes'
add modules 'printf "[submodule \"../../x\"]\n\tpath = x\n\turl = -u./x\n" >.gitmodules'
add embedded 'mkdir in; cd in; git init -q; echo x >f; git add f; git -c user.name=x -c user.email=x commit -qm x'
add worktreefile 'mkdir in; echo "gitdir: /etc" >in/.git; echo x >in/f'
add big 'head -c 200000000 /dev/zero >big'
add sparse 'truncate -s 1T huge'
add deep 'i=0; while [ $i -lt 1000 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done; echo x >bottom'
add unreadable 'mkdir shut; echo x >shut/f; chmod 000 shut; echo y >open'
add unreadfile 'echo x >f; chmod 000 f'

# ---- what is recorded rightly ----

add fine 'echo x >"-rf"; echo x >"--upload-pack=touch x"; echo x >" lead"; echo x >"a\"b"; echo x >"\$(touch x)"; echo x >"*"; echo x >":!a"; printf x >"$(printf "\377\376")"; ln -s README.md inside; mkdir u; ln -s ../README.md u/up'
add kinds 'mkfifo fifo; perl -e "use IO::Socket::UNIX; IO::Socket::UNIX->new(Local=>q(sock), Listen=>1)"; mknod dev c 1 3 2>/dev/null; echo x >real'
add turned 'rm README.md; mkdir README.md; echo x >README.md/x; rm -r src; echo x >src'
add modes 'chmod 777 README.md; chmod 644 check.sh; chmod 4755 src/add.sh'
add gone 'rm -rf ..?* .[!.]* *'
add ghost 'rm -rf .git; echo x >new'
add racing '(i=0; while :; do i=$((i+1)); rm -rf swap; mkdir swap; echo "inside $i" >swap/passwd; rm -rf swap; ln -s /etc swap; done) & sleep 1; echo x >real'

cd "$(toy_repo)" || exit 1
HEAD=$(git rev-parse HEAD)
n=0
for engine in docker local; do
	if { [ $engine = local ] && ! have_bwrap; } || { [ $engine = docker ] && ! have_docker; }; then
		skip "names on $engine" "$engine does not run here"
		continue
	fi
	n=$((n + 1))
	last=$engine
	run_all $engine || continue
	refuses abslink 'link that leaves the tree: link'
	refuses uplink 'link that leaves the tree: link'
	refuses throughlink 'link that leaves the tree: f'
	refuses gitlinkname 'link that leaves the tree: c'
	refuses control 'name with control characters: ' "yolo/$race/control"
	refuses bidi 'name with control characters'
	refuses c1 'name with control characters'
	refuses backslash 'name with a backslash' "yolo/$race/backslash"
	refuses case 'differ only in case: .*ame and .*ame'
	refuses dircase 'differ only in case: '
	refuses nfc 'differ only in case'
	refuses dotgit 'imitates .git: .GIT' "yolo/$race/dotgit"
	refuses short 'imitates .git: git~1' "yolo/$race/short"
	refuses zwj 'imitates .git' "yolo/$race/zwj"
	refuses trailing 'imitates .git' "yolo/$race/trailing"
	refuses stream 'imitates .git' "yolo/$race/stream"
	refuses attrlink 'link that leaves the tree: .gitattributes'
	refuses modules 'malformed .gitmodules'
	refuses embedded 'nested repository: in' "yolo/$race/embedded"
	refuses worktreefile 'nested repository: in' "yolo/$race/worktreefile"
	refuses big '1 file over 64 MiB' "yolo/$race/big"
	refuses sparse '1 file over 64 MiB' "yolo/$race/sparse"
	refuses deep 'depth 64' "yolo/$race/deep"
	is "$(git ls-tree -r --name-only "yolo/$race/unreadable" | grep -c -x -E 'open|shut/f')" "$([ "$(id -u)" = 0 ] && echo 2 || echo 1)" \
		"unreadable: what can be read is recorded"
	commits fine '--upload-pack=touch x' '-rf' ' lead' '"a\"b"' '$(touch x)' '*' ':!a' '"\377\376"' inside u/up
	commits kinds real
	commits turned README.md README.md/x src src/add.sh
	commits modes check.sh README.md
	commits gone .gitignore README.md check.sh src/add.sh
	commits ghost new
	like "$("$YOLO" show "$race/racing")" 'state +passed' "racing: passed"
	is "$(git ls-tree -r "yolo/$race/racing" 2>/dev/null | grep -c passwd)$(git grep -c root: "yolo/$race/racing" 2>/dev/null)" \
		"$(git ls-tree -r "yolo/$race/racing" 2>/dev/null | grep -c passwd)" "racing: nothing from outside came in"
	# Control: the traps are really there, and plain git takes them in.
	work=$(state_dir)/races/$race
	is "$(readlink "$work/abslink/work/link")" /etc/passwd "control: the link that leaves is in work/"
	is "$(find "$work/control/work" -name "*$(printf '\033')*" | wc -l)" 1 "control: so is the name with an escape sequence"
	is "$(find "$work/deep/work" -name bottom -printf %d)" 1001 "control: and the file 1,000 directories down"
	(cd "$work/bidi/work" && git init -q "$T/plain$n" && git --git-dir="$T/plain$n/.git" --work-tree=. add -A . && cd "$work/abslink/work" &&
		git --git-dir="$T/plain$n/.git" --work-tree=. add link)
	is "$(git --git-dir="$T/plain$n/.git" ls-files | grep -c -e '^link$' -e '342.200.256')" 2 "control: plain git records both without a word"
done
[ $n -gt 0 ] || skip_all "neither bubblewrap nor Docker here"

# More files than are recorded, written in one go.
VARIANTS=()
add many 'mkdir many; cd many; perl -e "for (1..51000) { open my \$f, q(>), \$_ }"'
if run_all "$last"; then
	refuses many 'More than 50,000 files'
	is "$(find "$(state_dir)/races/$race/many/work/many" -type f | wc -l)" 51000 "many: all of them stay in work/"
fi
done_testing
