# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make bench`; included by the Makefile after tests/twin/twin.mk, whose loader of programs it shares.

BENCH_OBJECTS := $(patsubst %,$(KERNEL_TEST_DIR)/tests/%.o,bench/bench bench/measure twin/kernel)

bench: all $(BUILD)/bench $(BUILD)/bench.bpf.o $(BUILD)/generate
	@BUILD=$(BUILD) tests/bench/run

$(BUILD)/bench: $(BENCH_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -lbpf -o $@

$(BUILD)/generate: $(KERNEL_TEST_DIR)/tests/bench/generate.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -o $@

$(BUILD)/bench.bpf.o: tests/bench/rewrite.bpf.c | $(BUILD)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Iinclude -Itests/bench \
		-I/usr/include/$(shell $(CC) -print-multiarch) $(DEPFLAGS) -c $< -o $@

-include $(BENCH_OBJECTS:.o=.d) $(KERNEL_TEST_DIR)/tests/bench/generate.d $(BUILD)/bench.bpf.d
