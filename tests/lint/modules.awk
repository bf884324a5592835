# modules.awk - what can be told from the includes and headers of a part as a whole: circles between its files, names of what headers export.
# Input: C files and headers named by paths from the root of the project. Output: "path:line: what is wrong".
#
# A module is a header and the .c of its name. A circle: a.c or a.h includes b.h, and b.c or b.h includes a.h, or does so through others.

# A function that a header exports begins with the name of the header, of the module the header belongs to, of a struct that it defines, or of a
# file of the part that has no header of its own; or with one of these.
BEGIN {
	extra["base/mem"] = "x bug_"
	extra["ui/action"] = "act_"
	extra["conductor/board"] = "notify"
	extra["conductor/variant_run"] = "variant_ mark_"
}

FNR == 1 {
	file = FILENAME
	sub(/^\.\//, "", file)
	dir = file
	sub(/\/[^\/]*$/, "", dir)
	name = file
	sub(/.*\//, "", name)
	is_header = name ~ /\.h$/
	sub(/\.[ch]$/, "", name)
	part = dir
	sub(/^src\//, "", part)
	files[++n_files] = file
	dir_of[file] = dir
	name_of[file] = name
	if (is_header) header[dir "/" name] = 1
	else has_c[dir "/" name] = 1
	in_comment = 0
	pending = ""
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	target = $0
	sub(/^[^"]*"/, "", target)
	sub(/".*/, "", target)
	if (target !~ /\//) target = part "/" target
	if (target ~ /\.h$/) {
		sub(/\.h$/, "", target)
		full = target ~ /^ui\// ? target : "src/" target
		if (index(full, dir "/") == 1) {
			inc_file[++n_inc] = file
			inc_line[n_inc] = FNR
			inc_to[n_inc] = full
		}
	}
}

# ---- names of exported functions ----

# Joins a declaration to one line; only what stands at the left margin of a header is one.
is_header {
	text = $0
	if (in_comment) {
		if (!sub(/^.*\*\//, "", text)) next
		in_comment = 0
	}
	gsub(/\/\*([^*]|\*[^\/])*\*\//, " ", text)
	if (sub(/\/\*.*/, "", text)) in_comment = 1
	sub(/\/\/.*/, "", text)
	if (pending == "" && text !~ /^[A-Za-z_]/) next
	if (pending == "") at = FNR
	pending = pending " " text
	if (text !~ /[;{}]/) next
	if (text ~ /^[A-Za-z_0-9 ]*struct [a-z_0-9]+ *\{/) {
		sub(/ *\{.*/, "", pending)
		sub(/.* /, "", pending)
		extra[part "/" name] = extra[part "/" name] " " pending "_"
		pending = ""
		next
	}
	declared(pending, at)
	pending = ""
}

function declared(text, at,    fn) {
	if (text ~ /[{}]/ || text ~ /^ extern [^;]*\( *\*/ || text ~ /^ (static|typedef|struct [a-z_0-9]+;|enum|union|extern [^(]*;)/) return
	while (sub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)/, " ", text)) ;
	if (!match(text, /[A-Za-z_][A-Za-z_0-9]* *\(/)) return
	fn = substr(text, RSTART, RLENGTH)
	sub(/ *\($/, "", fn)
	fn_name[++n_fn] = fn
	fn_file[n_fn] = file
	fn_line[n_fn] = at
}

function well_named(fn, file,    key, stem, n, i, list) {
	key = dir_of[file] "/" name_of[file]
	stem = name_of[file]
	for (;;) {
		if (named(fn, stem)) return 1
		# docker_usage.h may name what it has docker_... when docker.h is the head of the module
		if (!sub(/_[^_]*$/, "", stem) || !((dir_of[file] "/" stem) in header)) break
	}
	sub(/^src\//, "", key)
	n = split(extra[key], list, " ")
	for (i = 1; i <= n; i++)
		if (index(fn, list[i]) == 1) return 1
	for (key in has_c)
		if (!(key in header) && index(key, dir_of[file] "/") == 1 && named(fn, substr(key, length(dir_of[file]) + 2))) return 1
	return 0
}

function named(fn, stem) { return fn == stem || index(fn, stem "_") == 1 }

# ---- circles ----

# A header alone, like x_internal.h, belongs to the module that its name begins with.
function module_of_header(full,    stem) {
	if (full in has_c) return full
	stem = full
	while (sub(/_[^_\/]*$/, "", stem))
		if (stem in header) return stem
	return full
}

END {
	for (i = 1; i <= n_fn; i++)
		if (!well_named(fn_name[i], fn_file[i]))
			print fn_file[i] ":" fn_line[i] ": " fn_name[i] "() has not the name of its module as its beginning"
	for (i = 1; i <= n_inc; i++) {
		inc_to[i] = module_of_header(inc_to[i])
		from = dir_of[inc_file[i]] "/" name_of[inc_file[i]]
		if (inc_file[i] ~ /\.h$/) from = module_of_header(from)
		inc_from[i] = from
		if (from == inc_to[i] || (from, inc_to[i]) in edge) continue
		edge[from, inc_to[i]] = i
		next_of[from] = next_of[from] " " inc_to[i]
		node[from] = node[inc_to[i]] = 1
	}
	# Who reaches whom.
	for (a in node) {
		queue = next_of[a]
		while (queue != "") {
			n = split(queue, q, " ")
			queue = ""
			for (i = 1; i <= n; i++)
				if (!((a, q[i]) in reach)) {
					reach[a, q[i]] = 1
					queue = queue next_of[q[i]]
				}
		}
	}
	# Each include that closes a circle.
	for (i = 1; i <= n_inc; i++) {
		from = inc_from[i]
		to = inc_to[i]
		if (from == to || edge[from, to] != i || !((to, from) in reach)) continue
		print inc_file[i] ":" inc_line[i] ": a circle: " short(from) " includes " short(to) ", which reaches " short(from) " again" way(to, from)
	}
}

function short(m) { sub(/.*\//, "", m); return m }

# The shortest way from a to b, without its ends.
function way(a, b,    seen, prev, queue, q, n, i, k, m, nx, text) {
	queue = a
	seen[a] = 1
	while (queue != "") {
		n = split(queue, q, " ")
		queue = ""
		for (i = 1; i <= n; i++) {
			m = split(next_of[q[i]], nx, " ")
			for (k = 1; k <= m; k++) {
				if (nx[k] in seen) continue
				seen[nx[k]] = 1
				prev[nx[k]] = q[i]
				queue = queue " " nx[k]
			}
		}
	}
	text = ""
	for (i = prev[b]; i != a && i != ""; i = prev[i]) text = " " short(i) text
	return text == "" ? "" : " by" text
}
