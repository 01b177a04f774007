# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds and runs the tests; included by the Makefile, whose variables it uses. `make test` ends with the counted line
# of tests/run. FUZZ_SECONDS: how long the fuzzers try inputs of their own.

FUZZ_SECONDS ?= $(if $(filter true,$(CI)),60,5)

SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TESTS_CFLAGS = -std=gnu11 -g -O1 -Wall -Wextra -Wno-missing-field-initializers -Iinclude -iquote user $(SANITIZERS) $(DEPFLAGS)
UNIT_OBJECTS := $(patsubst tests/%.c,$(BUILD)/unit/%.o,$(wildcard tests/unit/*.c) tests/packets.c)
# Of the program, what has no source and no output.
UNIT_USER_OBJECTS := $(patsubst %,$(BUILD)/unit/user/%.o,message filter/filter filter/filter_kernel live/harvest_sweep \
	live/harvest_view live/hold live/mapping names/names names/zones output/column output/junit output/merge output/new_file \
	replay/progress screen/rungs screen/screen_filter screen/view screen/view_column screen/view_rank service/assertion \
	service/bars service/measure service/news service/slowest service/statistics text/text text/units text/words)
FUZZERS := $(patsubst %,$(BUILD)/fuzz/%,assertion capture filter flow options parse)

.PHONY: tests fuzz

test: all $(TEST_DEPENDENCIES) tests
	@BUILD='$(BUILD)' FUZZ_SECONDS='$(FUZZ_SECONDS)' CC='$(CC)' CLANG='$(CLANG)' tests/run

tests: $(BUILD)/unit/run $(FUZZERS)

fuzz: $(FUZZERS)
	$(Q)BUILD='$(BUILD)' FUZZ_SECONDS='$(FUZZ_SECONDS)' tests/fuzz/run

$(UNIT_OBJECTS) $(UNIT_USER_OBJECTS) $(FUZZERS): | $(TEST_DEPENDENCIES)

$(UNIT_OBJECTS): $(BUILD)/unit/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(TESTS_CFLAGS) -c $< -o $@

$(UNIT_USER_OBJECTS): $(BUILD)/unit/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(TESTS_CFLAGS) -c $< -o $@

$(BUILD)/unit/run: $(UNIT_OBJECTS) $(UNIT_USER_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZERS) $^ -lcriterion -lpcap -o $@

$(FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(TESTS_CFLAGS) -MF $@.d -fsanitize=fuzzer $< -lpcap -o $@

-include $(UNIT_OBJECTS:.o=.d) $(UNIT_USER_OBJECTS:.o=.d) $(FUZZERS:=.d)
include tests/grace/grace.mk
include tests/twin/twin.mk
include tests/bench/bench.mk
include tests/load/load.mk
include tests/flood/flood.mk
include tests/sandbox/sandbox.mk
include tests/kernels/kernels.mk
