/* test_project.c - what is made of the files at the top of a repository. */
#include "unit.h"

#include "model/project.h"

/* files: "name=text" up to NULL, a name with / at its end is a directory. Expected values: NULL =
 * none; caches and env joined by blanks. */
struct sample {
	const char *files[6];
	const char *image, *setup, *check, *caches, *env;
};

static const struct sample samples[] = {
	{ { NULL }, "debian:stable-slim", NULL, NULL, "", "" },
	{ { "Cargo.toml=[package]\n", "Cargo.lock=" }, "rust:1",
		"export CARGO_HOME=/home/yolo/.cargo\ncargo fetch --locked", "cargo test",
		"cargo=/home/yolo/.cargo", "CARGO_HOME=/home/yolo/.cargo" },
	{ { "Cargo.toml=", "rust-toolchain.toml=[toolchain]\nchannel = \"1.75.0\"\n" },
		"rust:1.75.0", "export CARGO_HOME=/home/yolo/.cargo\ncargo fetch", "cargo test",
		"cargo=/home/yolo/.cargo", "CARGO_HOME=/home/yolo/.cargo" },
	{ { "Cargo.toml=", "rust-toolchain.toml=[toolchain]\nchannel = \"stable\"\n" }, "rust:1",
		"export CARGO_HOME=/home/yolo/.cargo\ncargo fetch", "cargo test",
		"cargo=/home/yolo/.cargo", "CARGO_HOME=/home/yolo/.cargo" },
	{ { "package.json={\"engines\":{\"node\":\">=20.1 <23\"},\"scripts\":{\"test\":\"jest\"}}",
		  "package-lock.json={}" },
		"node:20", "npm ci", "npm test", "npm=/home/yolo/.npm", "" },
	{ { "package.json={\"scripts\":{\"test\":\"echo \\\"Error: no test specified\\\" && exit 1\"}}",
		  ".nvmrc=v18.2\n" },
		"node:18", "npm install", NULL, "npm=/home/yolo/.npm", "" },
	{ { "package.json={\"scripts\":{\"test\":\"x\"}}", "pnpm-lock.yaml=" }, "node:22",
		"export npm_config_store_dir=/home/yolo/.pnpm-store\ncorepack enable && pnpm install --frozen-lockfile",
		"pnpm test", "pnpm=/home/yolo/.pnpm-store",
		"npm_config_store_dir=/home/yolo/.pnpm-store" },
	{ { "package.json=not json", "yarn.lock=", ".yarnrc.yml=" }, "node:22",
		"export YARN_CACHE_FOLDER=/home/yolo/.yarn-cache\ncorepack enable && yarn install --immutable",
		NULL, "yarn=/home/yolo/.yarn-cache", "YARN_CACHE_FOLDER=/home/yolo/.yarn-cache" },
	{ { "go.mod=module x\n\ngo 1.22.3\n" }, "golang:1.22",
		"export GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache\ngo mod download",
		"go test ./...", "go-mod=/home/yolo/.gomod go-build=/home/yolo/.gocache",
		"GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache" },
	{ { "go.mod=module x\n", "Makefile=all:\n\ntest: all\n\tgo test\n" }, "golang:1",
		"export GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache\ngo mod download",
		"make test", "go-mod=/home/yolo/.gomod go-build=/home/yolo/.gocache",
		"GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache" },
	{ { "requirements.txt=flask\n", "tests/" }, "python:3",
		"export PIP_CACHE_DIR=/home/yolo/.pip-cache\npip install -r requirements.txt && pip install pytest",
		"python -m pytest", "pip=/home/yolo/.pip-cache",
		"PIP_CACHE_DIR=/home/yolo/.pip-cache" },
	{ { "pyproject.toml=[build-system]\n[project]\n", ".python-version=3.11.4\n" },
		"python:3.11", "export PIP_CACHE_DIR=/home/yolo/.pip-cache\npip install -e .", NULL,
		"pip=/home/yolo/.pip-cache", "PIP_CACHE_DIR=/home/yolo/.pip-cache" },
	{ { "Gemfile=", "spec/" }, "ruby:3", "bundle install", "bundle exec rspec", "", "" },
	{ { "pom.xml=" }, "maven:3-eclipse-temurin-21",
		"export MAVEN_ARGS=-Dmaven.repo.local=/home/yolo/.m2\nmvn -B -q dependency:go-offline",
		"mvn -B test", "maven=/home/yolo/.m2",
		"MAVEN_ARGS=-Dmaven.repo.local=/home/yolo/.m2" },
	{ { "build.gradle.kts=", "gradlew=" }, "gradle:8-jdk21", NULL, "./gradlew test",
		"gradle=/home/yolo/.gradle", "GRADLE_USER_HOME=/home/yolo/.gradle" },
	{ { "CMakeLists.txt=" }, "gcc:14", "apt-get update && apt-get install -y cmake",
		"cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure",
		"", "" },
	{ { "GNUmakefile=check:\n\ttrue\n" }, "gcc:14", NULL, "make check", "", "" },
	{ { "Makefile=# test:\n\ttests:\n" }, "gcc:14", NULL, NULL, "", "" },
	/* what stands in a file is taken for a version only as digits and dots */
	{ { "go.mod=\ngo ; rm -rf / $(x)\n" }, "golang:1",
		"export GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache\ngo mod download",
		"go test ./...", "go-mod=/home/yolo/.gomod go-build=/home/yolo/.gocache",
		"GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache" },
	{ { "package.json={\"engines\":{\"node\":\"99999999999999999999999999\"}}" },
		"node:999999999999999", "npm install", NULL, "npm=/home/yolo/.npm", "" },
	/* a directory of that name is no file */
	{ { "Cargo.toml/", "go.mod=module x\n\ngo 1.21\n" }, "golang:1.21",
		"export GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache\ngo mod download",
		"go test ./...", "go-mod=/home/yolo/.gomod go-build=/home/yolo/.gocache",
		"GOMODCACHE=/home/yolo/.gomod GOCACHE=/home/yolo/.gocache" },
};

static void put(const char *dir, const char *file)
{
	size_t n = strcspn(file, "=");
	char *name = xstrndup(file, n), *path = fs_join(dir, name);
	struct err e = ERR_INIT;

	if (name[n - 1] == '/')
		assert_int_equal(fs_mkdirs(path, 0755, &e), 0);
	else
		assert_int_equal(fs_create(path, 0644, file + n + 1, strlen(file + n + 1), &e), 0);
	free(path);
	free(name);
}

static void same(size_t i, const char *what, const char *got, const char *want)
{
	if (strcmp(got ? got : "(none)", want ? want : "(none)"))
		fail_msg("sample %zu: %s is \"%s\", expected \"%s\"", i, what, got ? got : "(none)",
			want ? want : "(none)");
}

static void same_list(size_t i, const char *what, const struct strv *got, const char *want)
{
	struct buf b = BUF_INIT;

	for (size_t k = 0; k < got->n; k++)
		buf_fmt(&b, "%s%s", k ? " " : "", got->v[k]);
	same(i, what, b.p, want);
	buf_release(&b);
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		char *dir = unit_mkdir();
		struct project p;

		for (size_t k = 0; k < ARRAY_LEN(s->files) && s->files[k]; k++)
			put(dir, s->files[k]);
		project_detect(dir, &p);
		same(i, "image", p.image, s->image);
		same(i, "setup", p.setup, s->setup);
		same(i, "check", p.check, s->check);
		same_list(i, "caches", &p.caches, s->caches);
		same_list(i, "env", &p.env, s->env);
		assert_true(p.found.n > 0);
		project_release(&p);
		unit_rmdir(dir);
	}
}

static void test_says_why(void **state)
{
	char *dir = unit_mkdir();
	struct project p;

	put(dir, "go.mod=module x\n\ngo 1.22\n");
	put(dir, "package.json={}");
	put(dir, "Makefile=test:\n");
	project_detect(dir, &p);
	assert_true(strv_has(&p.found, "Makefile: check make test"));
	assert_true(strv_has(&p.found, "package.json: a Node.js project, image node:22"));
	assert_true(strv_has(&p.found, "go.mod: there too; package.json came first"));
	project_release(&p);
	unit_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
