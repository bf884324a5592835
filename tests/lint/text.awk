# text.awk - what can be told from the text of one file: layers, owners, banned calls, lengths, first lines.
# Input: files named by paths from the root of the project. Output: "path:line: what is wrong".

BEGIN {
	# Who may include what (DESIGN: base <- model <- git <- engine <- conductor; client, cli and ui beside).
	layer["base"] = " base "
	layer["model"] = " model base "
	layer["git"] = " git model base "
	layer["engine"] = " engine git model base "
	layer["conductor"] = " conductor engine git model base "
	layer["client"] = " client model base "
	layer["cli"] = " cli client git model base "
	layer["ui"] = " ui client git model base "
	layer["runner"] = " runner base "

	# Headers with one owner: a pattern on the name, and the files that may include it.
	n_owned = 0
	own("^n?cursesw?(\\.h|/)|^term\\.h$|^panel\\.h$", " ui/term.c ")
	own("^curl/", " src/engine/loop.c src/engine/http.c ")
	own("^cjson/|^cJSON\\.h$", " src/base/json.c ")
	own("^utf8proc\\.h$", " src/base/utf8.c ")
	own("^pthread\\.h$|^threads\\.h$", " src/base/pool.c ")

	n_banned = split("strcpy strcat sprintf vsprintf gets strtok system popen atoi alloca strncpy tmpnam mktemp sleep usleep", banned, " ")
	n_starts = split("execv execve execvp execvpe execl execlp execle execveat fexecve posix_spawn posix_spawnp fork vfork forkpty clone clone3 daemon", starts, " ")
	MAX_FILE = 600
	MAX_FUNCTION = 60
	MAX_WIDTH = 100
}

function own(pattern, files) { owned[++n_owned] = pattern; owner[n_owned] = files }

function say(line, text) { print path ":" line ": " text; }

# ---- per file ----

function begin_file(    p) {
	path = FILENAME
	sub(/^\.\//, "", path)
	base = path
	sub(/.*\//, "", base)
	sub(/\.tmpl$/, "", base)
	ext = base ~ /\./ ? base : ""
	sub(/.*\./, "", ext)
	part = ""
	if (path ~ /^src\/[^\/]+\//) { part = path; sub(/^src\//, "", part); sub(/\/.*/, "", part) }
	else if (path ~ /^ui\//) part = "ui"
	else if (path == "src/main.c") part = "main"
	is_c = ext == "c" || ext == "h"
	# The pipeline is the user's to read: its Go files are held to less (CONSTRAINTS.md there says the same).
	small = path ~ /^templates\/pipeline\/.*\.go(\.tmpl)?$/
	max_file = small ? 200 : MAX_FILE
	max_function = small ? 50 : MAX_FUNCTION
	in_comment = 0
	body_at = 0
	shebang = 0
	if (part != "" && part != "main" && !(part in layer))
		say(1, "src/" part " is no part of the design: give it its place in tests/lint/text.awk")
}

function end_file() {
	if (path != "" && lines > max_file)
		say(lines, "the file has " lines " lines, more than " max_file ": split it on a real seam")
}

FNR == 1 { end_file(); begin_file() }
{ lines = FNR }

# ---- first line: "name - role" in a comment ----

FNR == 1 && /^#!/ { shebang = 1; next }
FNR == 1 + shebang {
	first = $0
	if (!sub(/^(\/\* |\/\/ |# |\.\\" )/, "", first) || index(first, base) != 1 || first !~ / - ./)
		say(FNR, "the file does not begin with a comment \"" base " - its role\"")
}

# ---- C without comments and texts ----

function strip(s,    out, q, i, c) {
	out = ""
	for (;;) {
		if (in_comment) {
			i = index(s, "*/")
			if (!i) return out
			s = substr(s, i + 2)
			in_comment = 0
		}
		if (!match(s, /\/\*|\/\/|"|'/)) return out s
		out = out substr(s, 1, RSTART - 1)
		q = substr(s, RSTART, 1)
		if (q == "/") {
			if (substr(s, RSTART, 2) == "//") return out
			s = substr(s, RSTART + 2)
			in_comment = 1
			continue
		}
		s = substr(s, RSTART + 1)
		for (;;) {
			if (!(q == "'" ? match(s, "['\\\\]") : match(s, "[\"\\\\]"))) return out q q
			c = substr(s, RSTART, 1)
			s = substr(s, RSTART + (c == "\\" ? 2 : 1))
			if (c == q) break
		}
		out = out q q
	}
}

# Columns of a line with tabs of 8; bytes of longer characters do not count (C.UTF-8 or not).
function width(s,    i, c, n) {
	gsub(/[\200-\277]/, "", s)
	if (length(s) * 8 <= MAX_WIDTH || s !~ /\t/) return length(s)
	n = 0
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		n = c == "\t" ? n - n % 8 + 8 : n + 1
	}
	return n
}

function calls(code, name) {
	return match(code, "(^|[^A-Za-z0-9_])" name "[ \t]*\\(")
}

function check_include(line,    name, local, k, target) {
	name = line
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
	local = substr(name, 1, 1) == "\""
	sub(/^["<]/, "", name)
	sub(/[">].*/, "", name)
	if (name ~ /\.\./) {
		say(FNR, "an include path with ..")
		return
	}
	for (k = 1; k <= n_owned; k++)
		if (name ~ owned[k] && !local && index(owner[k], " " path " ") == 0)
			say(FNR, "<" name "> belongs to" owner[k] "alone")
	if (!local || part == "main" || name !~ /\//) return
	target = name
	sub(/\/.*/, "", target)
	if (part == "runner" && name == "model/runlog.h") return
	if (index(layer[part], " " target " ") == 0)
		say(FNR, part " may not include " name ": the layers are" layer[part])
}

# A line that is too wide for a string alone is left whole: its words can be searched for.
is_c && length($0) > MAX_WIDTH - 56 && $0 !~ /"/ && width($0) > MAX_WIDTH { say(FNR, "more than " MAX_WIDTH " columns") }

is_c {
	was_comment = in_comment
	code = strip($0)
	if (part != "" && !was_comment && $0 ~ /^[ \t]*#[ \t]*include/) check_include($0)
	if (code ~ /\(/) {
		for (k = 1; k <= n_banned; k++)
			if ((part != "" || banned[k] ~ /sleep/) && index(code, banned[k]) && calls(code, banned[k]))
				say(FNR, banned[k] "() is banned")
		if (part != "" && part != "runner" && path !~ /^src\/base\/child[a-z_]*\.c$/)
			for (k = 1; k <= n_starts; k++)
				if (index(code, starts[k]) && calls(code, starts[k]))
					say(FNR, starts[k] "() belongs to src/base/child.c and the runner alone")
	}
	if (code ~ /^typedef (struct|union|enum)/) say(FNR, "a typedef of a struct: write struct x")
}

# ---- length of functions ----

is_c && /^\{/ { body_at = FNR }
((ext == "go" || small) && /^func .*\{$/) || ((ext == "sh" || shebang) && /^[A-Za-z_0-9]+\(\) *[{(]$/) { body_at = FNR }
/^[})]/ && body_at {
	if (FNR - body_at - 1 > max_function)
		say(body_at, "a function of " (FNR - body_at - 1) " lines, more than " max_function)
	body_at = 0
}

END { end_file() }
