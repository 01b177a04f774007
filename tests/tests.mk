# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds and runs the tests; included by the Makefile. `make test` ends with the counted line of tests/run.

CLANG ?= clang-19
FUZZ_SECONDS ?= $(if $(filter true,$(CI)),60,5)

TESTS_DIR := build/tests
TESTS_FLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wno-missing-field-initializers -Iinclude -MMD -MP \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_OBJECTS := $(patsubst tests/%.c,$(TESTS_DIR)/%.o,$(wildcard tests/unit/*.c) tests/packets.c)
FUZZERS := $(TESTS_DIR)/fuzz_parse $(TESTS_DIR)/fuzz_flow

.PHONY: test tests fuzz

test: all tests
	@FUZZ_SECONDS=$(FUZZ_SECONDS) CC='$(CC)' CLANG='$(CLANG)' tests/run

tests: $(TESTS_DIR)/unit $(FUZZERS)

fuzz: $(FUZZERS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run

$(TESTS_DIR)/unit: $(UNIT_OBJECTS)
	$(if $(V),,@echo "  LINK    $@";) $(CC) -fsanitize=address,undefined $^ -lcriterion -o $@

$(TESTS_DIR)/%.o: tests/%.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $@";) $(CC) $(TESTS_FLAGS) -c $< -o $@

$(TESTS_DIR)/fuzz_%: tests/fuzz/%.c tests/packets.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  FUZZ    $@";) $(CLANG) $(TESTS_FLAGS) -MF $@.d -fsanitize=fuzzer $(filter %.c,$^) -o $@

-include $(UNIT_OBJECTS:.o=.d) $(FUZZERS:=.d)
