# Makefile - targets: all demo test lint lint-links bench install uninstall clean deps. Objects under build/.
# Variables: SANITIZE=address,undefined  WERROR=1  PREFIX=/usr/local  V=1

PREFIX ?= /usr/local
CC ?= cc
AR ?= ar
SANITIZE ?=
WERROR ?=
V ?=

O := build$(if $(SANITIZE),/san)
Q := $(if $(V),,@)

# Sanitised objects are for tests: -O1 and line numbers compile in two thirds of the time.
CFLAGS ?= $(if $(SANITIZE),-O1 -g1,-O2 -g)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wvla -Wformat=2 -Wundef -Wno-unused-parameter $(if $(WERROR),-Werror)
HARD := -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Isrc -I. -I$(O) $(WARN) $(HARD) $(SAN) $(CFLAGS)
LDFLAGS_ALL = $(SAN) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS_CORE := -lcjson -lutf8proc -lpthread -lm
LIBS_ENGINE := -lcurl
LIBS_UI := -lncursesw -ltinfo

src = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(O)/%.o,$(1))

BASE := $(call objs,$(call src,src/base))
MODEL := $(call objs,$(call src,src/model))
GIT := $(call objs,$(call src,src/git))
ENGINE := $(call objs,$(call src,src/engine))
CONDUCTOR := $(call objs,$(call src,src/conductor))
CLIENT := $(call objs,$(call src,src/client))
CLI := $(call objs,$(call src,src/cli))
UI := $(call objs,$(call src,ui))
ASSETS := $(O)/assets.o

all: $(O)/yolodeck

$(O)/yolodeck: $(O)/src/main.o $(CLI) $(UI) $(CONDUCTOR) $(ENGINE) $(CLIENT) $(GIT) $(MODEL) $(BASE) $(ASSETS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_UI) $(LIBS_ENGINE) $(LIBS_CORE)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The runner: static, no sanitizers (it is pid 1 of foreign containers), only base and model/runlog.
RUNNER_SRC := $(call src,src/runner) src/model/runlog.c
RUNNER_OBJ := $(patsubst %.c,build/runner-obj/%.o,$(RUNNER_SRC))
build/runner-obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -Isrc $(WARN) -O2 -g0 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
		-ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<
build/runner: $(RUNNER_OBJ)
	$(Q)$(CC) -static-pie -s -Wl,--gc-sections -Wl,-z,relro,-z,now -o $@ $^

# What is embedded: the runner, themes, templates.
ASSET_FILES := $(sort $(shell find themes templates -type f 2>/dev/null))
$(O)/assets.S: build/runner $(ASSET_FILES) Makefile src/base/mkassets.sh
	@mkdir -p $(@D)
	$(Q)sh src/base/mkassets.sh build/runner $(ASSET_FILES) >$@
$(ASSETS): $(O)/assets.S
	$(Q)$(CC) -fPIE -c -o $@ $<

# Unit tests: tests/unit/test_*.c, one program each, cmocka.
CORE := $(CONDUCTOR) $(ENGINE) $(CLIENT) $(GIT) $(MODEL) $(BASE)
$(O)/libcore.a: $(CORE)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/libui.a: $(UI)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))
$(O)/unit/%: $(O)/tests/unit/%.o $(O)/libui.a $(O)/libcore.a $(ASSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_UI) $(LIBS_ENGINE) $(LIBS_CORE) -lcmocka
unit: $(UNIT) $(O)/deck-fixture

# Walls that only a link can prove: the deck without libcurl, the conductor without curses.
$(O)/deck-only: $(O)/tests/lint/deck_only.o $(UI) $(CLIENT) $(GIT) $(MODEL) $(BASE) $(ASSETS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_UI) $(LIBS_CORE)
$(O)/conductor-only: $(O)/tests/lint/conductor_only.o $(CONDUCTOR) $(ENGINE) $(GIT) $(MODEL) $(BASE) $(ASSETS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE) $(LIBS_CORE)

# The deck against a painted conductor, for the golden screens (tests/deck).
$(O)/deck-fixture: $(O)/tests/deck/deck_fixture.o $(UI) $(CLIENT) $(GIT) $(MODEL) $(BASE) $(ASSETS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_UI) $(LIBS_CORE)

deps:
	$(Q)sh tests/deps.sh build

# Without a build; `make test` holds the links too.
lint:
	$(Q)sh tests/deps.sh test
	$(Q)sh tests/lint/lint.sh text format shell headers modules

lint-links:
	$(Q)sh tests/lint/lint.sh links

test:
	$(Q)sh tests/run.sh

# The bench's own programs: a writer of lines (static: it runs in the containers), meters of a terminal, of snapshots and of logs.
$(O)/bench/emit: tests/bench/emit.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -static -o $@ $<
$(O)/bench/ptymeter: tests/bench/ptymeter.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -o $@ $< -lutil
$(O)/bench/logmeter: tests/bench/logmeter.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -o $@ $<
$(O)/bench/snapmeter: $(O)/tests/bench/snapmeter.o $(O)/libcore.a $(ASSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE) $(LIBS_CORE)
bench-tools: $(O)/bench/emit $(O)/bench/ptymeter $(O)/bench/snapmeter $(O)/bench/logmeter

bench: all bench-tools
	$(Q)sh tests/bench/bench.sh

demo:
	$(Q)sh tests/deps.sh build
	$(Q)$(MAKE) -s all
	$(Q)$(O)/yolodeck demo

install: all
	install -D -m 755 $(O)/yolodeck $(DESTDIR)$(PREFIX)/bin/yolodeck
	for m in man/*.[15]; do install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/yolodeck
	for m in man/*.[15]; do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all deps lint lint-links test unit bench bench-tools demo install uninstall clean
.SECONDARY:
