/* project.c - what kind of project is this? One function a kind, tried in the order of the table;
 * the first that fits has the image. */
#include "model/project.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20, VERSION_MAX = 16 };

void project_release(struct project *p)
{
	free(p->image);
	free(p->setup);
	free(p->check);
	strv_release(&p->caches);
	strv_release(&p->env);
	strv_release(&p->found);
	memset(p, 0, sizeof *p);
}

static bool has_file(const char *top, const char *name)
{
	char *path = fs_join(top, name);
	bool there = fs_exists(path) && !fs_is_dir(path);

	free(path);
	return there;
}

static bool has_dir(const char *top, const char *name)
{
	char *path = fs_join(top, name);
	bool there = fs_is_dir(path);

	free(path);
	return there;
}

/* Empty when it is not there. The caller releases. */
static struct buf text_of(const char *top, const char *name)
{
	struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	char *path = fs_join(top, name);

	if (fs_read(path, FILE_MAX, &b, &ignored))
		buf_clear(&b);
	free(path);
	return b;
}

static bool file_mentions(const char *top, const char *name, const char *words)
{
	struct buf b = text_of(top, name);
	bool found = strstr(b.p, words) != NULL;

	buf_release(&b);
	return found;
}

/* The first number of s, at most `parts` of its parts: ">= 3.11.2", 2 -> "3.11". "" = none on this
 * line. */
static void version_in(const char *s, int parts, char out[VERSION_MAX])
{
	size_t n = 0;

	while (*s && *s != '\n' && !isdigit((unsigned char)*s))
		s++;
	for (; isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1])); s++) {
		if ((*s == '.' && --parts == 0) || n + 1 == VERSION_MAX)
			break;
		out[n++] = *s;
	}
	out[n] = '\0';
}

/* The version after a word of a file; "" when there is none. */
static void version_of(
	const char *top, const char *file, const char *word, int parts, char out[VERSION_MAX])
{
	struct buf b = text_of(top, file);
	const char *at = strstr(b.p, word);

	out[0] = '\0';
	if (at)
		version_in(at + strlen(word), parts, out);
	buf_release(&b);
}

/* Image NAME:VERSION with the first version that is known, else the default. Says where it is from.
 */
static void take_image(struct project *p, const char *what, const char *from, const char *name,
	const char *version, const char *dflt)
{
	xreplace(&p->image, NULL);
	p->image = xasprintf("%s:%s", name, *version ? version : dflt);
	strv_fmt(&p->found, "%s: %s, image %s", from, what, p->image);
}

static void take_setup(struct project *p, const char *from, const char *setup)
{
	xreplace(&p->setup, setup);
	strv_fmt(&p->found, "%s: shared setup %s", from, setup);
}

static void take_check(struct project *p, const char *from, const char *check)
{
	if (p->check)
		return;
	p->check = xstrdup(check);
	strv_fmt(&p->found, "%s: check %s", from, check);
}

/* A cache and the variable that makes the tool use it (NULL = it does by itself). */
static void take_cache(struct project *p, const char *name, const char *path, const char *variable)
{
	strv_fmt(&p->caches, "%s=%s", name, path);
	if (variable)
		strv_fmt(&p->env, "%s=%s", variable, path);
}

static void rust(const char *top, struct project *p)
{
	char version[VERSION_MAX];

	version_of(top, "rust-toolchain.toml", "channel", 3, version);
	if (!*version && has_file(top, "rust-toolchain"))
		version_of(top, "rust-toolchain", "", 3, version);
	take_image(p, "a Rust project", "Cargo.toml", "rust", version, "1");
	take_cache(p, "cargo", "/home/yolo/.cargo", "CARGO_HOME");
	take_setup(p, has_file(top, "Cargo.lock") ? "Cargo.lock" : "Cargo.toml",
		has_file(top, "Cargo.lock") ? "cargo fetch --locked" : "cargo fetch");
	strv_add(&p->found,
		"Cargo.toml: target/ is not shared: attempts would overwrite each other's builds");
	take_check(p, "Cargo.toml", "cargo test");
}

static const struct js {
	const char *lock, *setup, *test, *cache, *path, *variable;
} js[] = {
	{ "pnpm-lock.yaml", "corepack enable && pnpm install --frozen-lockfile", "pnpm test",
		"pnpm", "/home/yolo/.pnpm-store", "npm_config_store_dir" },
	{ "yarn.lock", "corepack enable && yarn install --frozen-lockfile", "yarn test", "yarn",
		"/home/yolo/.yarn-cache", "YARN_CACHE_FOLDER" },
	{ "package-lock.json", "npm ci", "npm test", "npm", "/home/yolo/.npm", NULL },
	{ "npm-shrinkwrap.json", "npm ci", "npm test", "npm", "/home/yolo/.npm", NULL },
	{ "package.json", "npm install", "npm test", "npm", "/home/yolo/.npm", NULL },
};

/* `npm init` writes a test that only fails. */
static bool has_test_script(const struct json *package)
{
	const char *test = json_str(json_get(package, "scripts"), "test", "");

	return *test && !strstr(test, "no test specified");
}

static void node(const char *top, struct project *p)
{
	struct buf b = text_of(top, "package.json");
	struct err ignored = ERR_INIT;
	struct json *package = json_parse(b.p, b.len, &ignored);
	char version[VERSION_MAX];
	size_t i = 0;

	version_in(json_str(json_get(package, "engines"), "node", ""), 1, version);
	if (!*version)
		version_of(top, ".nvmrc", "", 1, version);
	take_image(p, "a Node.js project",
		*version && !has_file(top, ".nvmrc") ? "package.json (engines.node)"
						     : "package.json",
		"node", version, "22");
	while (!has_file(top, js[i].lock))
		i++;
	if (!strcmp(js[i].lock, "yarn.lock") && has_file(top, ".yarnrc.yml"))
		take_setup(p, js[i].lock, "corepack enable && yarn install --immutable");
	else
		take_setup(p, js[i].lock, js[i].setup);
	take_cache(p, js[i].cache, js[i].path, js[i].variable);
	if (has_test_script(package))
		take_check(p, "package.json (scripts.test)", js[i].test);
	json_free(package);
	buf_release(&b);
}

static void go(const char *top, struct project *p)
{
	char version[VERSION_MAX];

	version_of(top, "go.mod", "\ngo ", 2, version);
	take_image(p, "a Go module", "go.mod", "golang", version, "1");
	take_cache(p, "go-mod", "/home/yolo/.gomod", "GOMODCACHE");
	take_cache(p, "go-build", "/home/yolo/.gocache", "GOCACHE");
	take_setup(p, "go.mod", "go mod download");
	take_check(p, "go.mod", "go test ./...");
}

static void python(const char *top, struct project *p)
{
	const char *from = has_file(top, "pyproject.toml") ? "pyproject.toml"
		: has_file(top, "requirements.txt")        ? "requirements.txt"
							   : "setup.py";
	bool tests = has_dir(top, "tests") || file_mentions(top, from, "pytest") ||
		has_file(top, "pytest.ini");
	const char *setup = has_file(top, "uv.lock") ? "pip install uv && uv sync"
		: has_file(top, "poetry.lock")
		? "pip install poetry && poetry config virtualenvs.create false && poetry install"
		: has_file(top, "requirements.txt") ? "pip install -r requirements.txt"
		: file_mentions(top, from, "[build-system]") || !strcmp(from, "setup.py")
		? "pip install -e ."
		: NULL;
	char version[VERSION_MAX], *all = NULL;

	version_of(top, ".python-version", "", 2, version);
	take_image(p, "a Python project", from, "python", version, "3");
	take_cache(p, "pip", "/home/yolo/.pip-cache", "PIP_CACHE_DIR");
	if (has_file(top, "uv.lock")) {
		take_check(p, from, "uv run pytest");
	} else if (tests) {
		all = setup ? xasprintf("%s && pip install pytest", setup)
			    : xstrdup("pip install pytest");
		take_check(p, from, "python -m pytest");
	}
	if (all || setup)
		take_setup(p, from, all ? all : setup);
	free(all);
}

static void ruby(const char *top, struct project *p)
{
	char version[VERSION_MAX];

	version_of(top, ".ruby-version", "", 2, version);
	take_image(p, "a Ruby project", "Gemfile", "ruby", version, "3");
	take_setup(p, "Gemfile", "bundle install");
	if (has_dir(top, "spec"))
		take_check(p, "spec/", "bundle exec rspec");
	else if (has_file(top, "Rakefile"))
		take_check(p, "Rakefile", "bundle exec rake test");
}

static void maven(const char *top, struct project *p)
{
	take_image(p, "a Maven project", "pom.xml", "maven", "", "3-eclipse-temurin-21");
	take_cache(p, "maven", "/home/yolo/.m2", NULL);
	/* Java's idea of a home is not $HOME */
	strv_add(&p->env, "MAVEN_ARGS=-Dmaven.repo.local=/home/yolo/.m2");
	take_setup(p, "pom.xml", "mvn -B -q dependency:go-offline");
	take_check(p, "pom.xml", "mvn -B test");
}

static void gradle(const char *top, struct project *p)
{
	bool own = has_file(top, "gradlew");

	take_image(p, "a Gradle project",
		has_file(top, "build.gradle") ? "build.gradle" : "build.gradle.kts", "gradle", "",
		"8-jdk21");
	take_cache(p, "gradle", "/home/yolo/.gradle", "GRADLE_USER_HOME");
	take_check(p, own ? "gradlew" : "build.gradle", own ? "./gradlew test" : "gradle test");
}

static void cmake(const char *top, struct project *p)
{
	take_image(p, "a CMake project", "CMakeLists.txt", "gcc", "", "14");
	take_setup(p, "CMakeLists.txt", "apt-get update && apt-get install -y cmake");
	take_check(p, "CMakeLists.txt",
		"cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure");
}

static void make(const char *top, struct project *p)
{
	take_image(p, "built by make", has_file(top, "Makefile") ? "Makefile" : "GNUmakefile",
		"gcc", "", "14");
}

static const struct kind {
	const char *file;
	void (*look)(const char *top, struct project *p);
} kinds[] = {
	{ "Cargo.toml", rust },
	{ "package.json", node },
	{ "go.mod", go },
	{ "pyproject.toml", python },
	{ "requirements.txt", python },
	{ "setup.py", python },
	{ "Gemfile", ruby },
	{ "pom.xml", maven },
	{ "build.gradle", gradle },
	{ "build.gradle.kts", gradle },
	{ "CMakeLists.txt", cmake },
	{ "Makefile", make },
	{ "GNUmakefile", make },
};

/* How the project itself says it is tested: the target of a Makefile, before what its language
 * would do. */
static void make_target(const char *top, struct project *p)
{
	static const char *const files[] = { "GNUmakefile", "Makefile" },
				 *const targets[] = { "test", "check" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
			char *line = xasprintf("\n%s:", targets[k]),
			     *command = xasprintf("make %s", targets[k]);
			struct buf b = text_of(top, files[i]);

			if (strstr(b.p, line) || !strncmp(b.p, line + 1, strlen(line + 1)))
				take_check(p, files[i], command);
			buf_release(&b);
			free(command);
			free(line);
		}
}

/* The variables of the variants are not those of the shared setup, which runs before. */
static void setup_with_env(struct project *p)
{
	struct buf b = BUF_INIT;

	if (!p->setup || !p->env.n)
		return;
	buf_str(&b, "export");
	for (size_t i = 0; i < p->env.n; i++)
		buf_fmt(&b, " %s", p->env.v[i]);
	buf_fmt(&b, "\n%s", p->setup);
	free(p->setup);
	p->setup = buf_take(&b);
}

void project_detect(const char *top, struct project *p)
{
	const struct kind *chosen = NULL;

	memset(p, 0, sizeof *p);
	make_target(top, p);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!has_file(top, kinds[i].file))
			continue;
		if (!chosen) {
			chosen = &kinds[i];
			chosen->look(top, p);
		} else if (kinds[i].look != chosen->look && kinds[i].look != make) {
			strv_fmt(&p->found, "%s: there too; %s came first", kinds[i].file,
				chosen->file);
		}
	}
	setup_with_env(p);
	if (!p->image) {
		p->image = xstrdup("debian:stable-slim");
		strv_add(&p->found, "no file of a kind that is known: image debian:stable-slim");
	}
	if (!p->check)
		strv_add(&p->found,
			"no check was found: give one with --check, else exit code 0 of the command passes");
}
