# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The build; tests/*.mk are included. `make deps` is the only target that installs anything; V=1 shows the commands.

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang-19
CLANG_FORMAT ?= clang-format-19
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PREFIX ?= /usr/local
BUILD ?= build
VERSION ?= 0.1.0
CFLAGS ?= -O2 -g

HOST_CFLAGS = $(CFLAGS) -Wall -Wextra -std=gnu11 -Iinclude -iquote user -DTCPSCOPE_VERSION='"$(VERSION)"'
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter -Ivmlinux -Iinclude
DEPFLAGS = -MMD -MP
LIBS = -lxdp -lbpf -lpcap -lnettle -lncursesw -ltinfo -lseccomp -lcap

OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard user/*.c user/*/*.c))

# What the build needs, what tests and checks need besides.
BUILD_PACKAGES = gcc libc6-dev linux-libc-dev clang-19 libbpf-dev libxdp-dev libpcap-dev nettle-dev libncurses-dev \
	libseccomp-dev libcap-dev
TEST_PACKAGES = bpftool libcriterion-dev libclang-rt-19-dev llvm-19 iproute2 nftables ethtool iperf3 nmap tcpdump tcptrace tshark tmux \
	zsh procps netbase python3 clang-format-19 clang-tidy-19 cppcheck shellcheck

Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.PHONY: all deps test check format bench demo clean install uninstall
all: $(BUILD)/tcpscope $(BUILD)/layers

deps:
	@echo "Installs these Debian packages, and what they depend on:"
	@printf '  to build:         %s\n' "$(BUILD_PACKAGES)"
	@printf '  to test and check: %s\n' "$(TEST_PACKAGES)"
	@test "$$(id -u)" = 0 || { echo "make deps needs root: sudo make deps" >&2; exit 1; }
	$(Q)apt-get update
	$(Q)DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(BUILD_PACKAGES) $(TEST_PACKAGES)

# ---- dependencies: everything that is missing, in one go ----

# A program, or a header as the compiler finds it.
need_program = command -v $(1) >/dev/null || { echo "missing: $(1) (Debian package $(2))" >&2; missing=1; };
need_header = echo '\#include <$(1)>' | $(CC) -E - >/dev/null 2>&1 || \
	{ echo "missing: $(1) (Debian package $(2))" >&2; missing=1; };

# Ends a list of what is missing: root gets it installed, anybody else told.
install_or_say = if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory deps; else echo "run: sudo make deps" >&2; exit 1; fi; fi

$(BUILD)/dependencies: Makefile
	@mkdir -p $(@D)
	@missing=; \
	$(call need_program,$(CC),gcc) $(call need_program,$(CLANG),clang-19) \
	$(call need_header,stdio.h,libc6-dev) $(call need_header,linux/bpf.h,linux-libc-dev) \
	$(call need_header,bpf/libbpf.h,libbpf-dev) $(call need_header,xdp/libxdp.h,libxdp-dev) \
	$(call need_header,pcap/pcap.h,libpcap-dev) $(call need_header,nettle/sha1.h,nettle-dev) \
	$(call need_header,curses.h,libncurses-dev) \
	$(call need_header,seccomp.h,libseccomp-dev) $(call need_header,sys/capability.h,libcap-dev) \
	$(install_or_say)
	@touch $@

# What only tests and the demo need. Without root their suites that need it are skipped, and so are its packages.
TEST_DEPENDENCIES = $(BUILD)/test-dependencies-$(if $(filter 0,$(shell id -u)),root,user)
$(TEST_DEPENDENCIES): Makefile | $(BUILD)/dependencies
	@mkdir -p $(@D)
	@missing=; \
	$(call need_header,criterion/criterion.h,libcriterion-dev) $(call need_program,python3,python3) \
	$(call need_program,llvm-objdump-19,llvm-19) \
	[ -e "$$($(CLANG) -print-file-name=libclang_rt.fuzzer-$$(uname -m).a)" ] || \
		[ -e "$$($(CLANG) -print-runtime-dir)/libclang_rt.fuzzer.a" ] || \
		{ echo "missing: libFuzzer (Debian package libclang-rt-19-dev)" >&2; missing=1; }; \
	if [ "$$(id -u)" = 0 ]; then PATH="$$PATH:/usr/sbin:/sbin"; \
	$(call need_program,ip,iproute2) $(call need_program,nft,nftables) $(call need_program,ethtool,ethtool) \
	$(call need_program,iperf3,iperf3) $(call need_program,nmap,nmap) $(call need_program,tcpdump,tcpdump) \
	$(call need_program,tmux,tmux) $(call need_program,pgrep,procps) \
	[ -e /etc/services ] || { echo "missing: /etc/services (Debian package netbase)" >&2; missing=1; }; fi; \
	$(install_or_say)
	@touch $@

# ---- kernel side ----

$(BUILD)/tcpscope.bpf.o: bpf/tcpscope.bpf.c | $(BUILD)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@

# ---- user side ----

$(BUILD)/user/%.o: user/%.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) -c $< -o $@

# The program carries the BPF object inside (.incbin).
$(BUILD)/user/live/loader.o: $(BUILD)/tcpscope.bpf.o
$(BUILD)/user/live/loader.o: HOST_CFLAGS += -Wa,-I,$(BUILD)

$(BUILD)/tcpscope: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# ---- layers: the engine stays pure, views see records and nothing else ----

$(BUILD)/engine.o: user/body.h $(wildcard include/*.h) | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,PURE,include/)
	$(Q)printf '%s\n' '#include "user/body.h"' '#include "include/record.h"' \
		'int packet(struct table *t, struct ledger *l, struct cursor *at, enum link_type link, struct segment *seg)' \
		'{ return engine_enter(t, l, seg, segment_parse(link, at, seg)); }' \
		'void sweep(struct table *t, struct sweep_call *call) { table_sweep_call(t, call); }' \
		'bool taken(struct handover *h, struct flow_bucket *f, struct facts_bucket *x, struct report *r)' \
		'{ return handover_take(h, f, x, r) ? handover_taken(h, f, x, NULL, r), true : false; }' \
		'void record(struct record *r, const struct report *report, const struct record_context *context)' \
		'{ record_make(r, report, context); }' | \
		$(CC) -O2 -Wall -Wextra -Werror -std=gnu11 -ffreestanding -fno-stack-protector -fcf-protection=none \
		-minline-all-stringops -I. -x c -c - -o $@

$(BUILD)/layers: $(BUILD)/engine.o tests/includes.sh $(wildcard include/*.h user/*.[ch] user/*/*.[ch])
	@symbols=$$(nm -u $<); if [ -n "$$symbols" ]; then \
		echo "include/ is not pure: it needs $$symbols" >&2; exit 1; fi
	@if objdump -d $< | grep -E 'call +[0-9a-f]+ '; then echo "include/ is not pure: it calls" >&2; exit 1; fi
	@said=$$(CC='$(CC)' tests/includes.sh) || { printf "%s\n" "$$said" | grep "^not ok" >&2; exit 1; }
	@touch $@

# ---- the rest ----

-include tests/tests.mk

demo: all $(TEST_DEPENDENCIES)
	$(Q)TCPSCOPE=$(abspath $(BUILD)/tcpscope) tests/demo.sh

SOURCES = $(wildcard bpf/*.[ch] include/*.h user/*.[ch] user/*/*.[ch] tests/*.[ch] tests/*/*.[ch])
SCRIPTS = $(wildcard tests/*.sh tests/*/*.sh completion/*.bash) $(shell grep -lsE '^#!/bin/(ba)?sh' tests/* tests/*/* .ci/*)
LICENSED = $(SOURCES) $(sort $(SCRIPTS)) $(wildcard vmlinux/*.h tests/*.py tests/*/*.py tests/*.mk tests/*/*.mk README.md doc/* completion/*) Makefile

check:
	$(call say,LICENCE,$(words $(LICENSED)) files)
	@for file in $(LICENSED); do head -2 $$file | grep -q 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' || \
		{ echo "$$file: no SPDX line" >&2; exit 1; }; done
	@missing=; \
	$(call need_program,$(CLANG_FORMAT),clang-format-19) $(call need_program,cppcheck,cppcheck) \
	$(call need_program,shellcheck,shellcheck) \
	if [ -n "$$missing" ]; then echo "run: sudo make deps" >&2; exit 1; fi
	$(call say,FORMAT,$(words $(SOURCES)) files)
	$(Q)$(CLANG_FORMAT) --dry-run --Werror $(SOURCES)
	$(call say,CPPCHECK,user/)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability \
		'-DLIBBPF_OPTS(TYPE,NAME,...)=struct TYPE NAME' '-DDECLARE_LIBXDP_OPTS(TYPE,NAME,...)=struct TYPE NAME' \
		--suppress=comparePointers:user/live/loader.c -Iinclude -Iuser user/ # that: the ends of what .incbin includes
	$(call say,SHELL,$(sort $(SCRIPTS)))
	$(Q)shellcheck $(sort $(SCRIPTS))

format:
	$(Q)$(CLANG_FORMAT) -i $(SOURCES)

# What goes where: mode, file, target below PREFIX.
INSTALLED = 755:$(BUILD)/tcpscope:bin/tcpscope \
	644:doc/tcpscope.1:share/man/man1/tcpscope.1 \
	644:README.md:share/doc/tcpscope/README.md \
	644:doc/record.md:share/doc/tcpscope/record.md \
	644:doc/counters.md:share/doc/tcpscope/counters.md \
	644:completion/tcpscope.bash:share/bash-completion/completions/tcpscope \
	644:completion/_tcpscope:share/zsh/site-functions/_tcpscope
split = $(subst :, ,$(1))

install: all
	$(foreach file,$(INSTALLED),install -D -m $(word 1,$(call split,$(file))) $(word 2,$(call split,$(file))) \
		'$(DESTDIR)$(PREFIX)/$(word 3,$(call split,$(file)))' &&) true

uninstall:
	rm -f $(foreach file,$(INSTALLED),'$(DESTDIR)$(PREFIX)/$(word 3,$(call split,$(file)))')
	if [ -d '$(DESTDIR)$(PREFIX)/share/doc/tcpscope' ]; then rmdir '$(DESTDIR)$(PREFIX)/share/doc/tcpscope'; fi

clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BUILD)/tcpscope.bpf.d
