# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make bench`, as root for the kernel's part; BENCH="-n 1000 -r 5" chooses of that. Included by the Makefile after
# tests/twin/twin.mk, whose loader of programs it shares.

BENCH_OBJECTS := $(patsubst %,$(KERNEL_TEST_DIR)/tests/%.o,bench/bench bench/measure twin/kernel)

bench: all $(BUILD)/bench $(BUILD)/bench.bpf.o $(BUILD)/generate $(BUILD)/flood
	@BUILD=$(BUILD) BENCH='$(BENCH)' tests/bench/run

# What the user program costs: as root. USER_FLOWS: how many.
.PHONY: bench-user
bench-user: all $(BUILD)/flood $(BUILD)/snapshot
	@BUILD='$(BUILD)' tests/bench/run-user user.py $(USER_FLOWS)

# What is left of throughput over veth, in pairs: as root. PAIRS: how many.
.PHONY: bench-veth
bench-veth: all $(BUILD)/traffic $(BUILD)/frames.bpf.o
	@BUILD='$(BUILD)' tests/bench/run-user veth.py $(PAIRS)

$(BUILD)/traffic: tests/bench/traffic.c | $(BUILD)/dependencies
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) $(LDFLAGS) $< -lbpf -o $@

$(BUILD)/frames.bpf.o: tests/bench/frames.bpf.c | $(BUILD)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I/usr/include/$(shell $(CC) -print-multiarch) $(DEPFLAGS) -c $< -o $@

$(BUILD)/snapshot: tests/bench/snapshot.c $(filter-out %/main.o,$(OBJECTS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/bench: $(BENCH_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -lbpf -o $@

$(BUILD)/generate: $(KERNEL_TEST_DIR)/tests/bench/generate.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -o $@

$(BUILD)/bench.bpf.o: tests/bench/rewrite.bpf.c | $(BUILD)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I/usr/include/$(shell $(CC) -print-multiarch) \
		$(DEPFLAGS) -c $< -o $@

-include $(BENCH_OBJECTS:.o=.d) $(KERNEL_TEST_DIR)/tests/bench/generate.d $(BUILD)/bench.bpf.d $(BUILD)/snapshot.d $(BUILD)/traffic.d $(BUILD)/frames.bpf.d
