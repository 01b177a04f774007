# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds build/twin/twin, which tests/twin/run runs, and build/twin/mutated, which tests/twin/mutated runs; included by the Makefile, whose variables it uses.

KERNEL_TEST_DIR := $(BUILD)/twin
PLAYER_OBJECTS := $(patsubst %,$(KERNEL_TEST_DIR)/tests/twin/%.o,compare frame kernel native play reports) \
	$(patsubst %,$(KERNEL_TEST_DIR)/user/%.o,message replay/capture replay/pcapng replay/progress text/text)
TWIN_OBJECTS := $(PLAYER_OBJECTS) $(patsubst %,$(KERNEL_TEST_DIR)/tests/%.o,twin/random twin/twin packets)
MUTATED_OBJECTS := $(PLAYER_OBJECTS) $(patsubst %,$(KERNEL_TEST_DIR)/tests/twin/%.o,mutate mutated)

.PHONY: test-mutated

tests: $(KERNEL_TEST_DIR)/twin $(KERNEL_TEST_DIR)/mutated

test-mutated: $(KERNEL_TEST_DIR)/mutated $(BUILD)/tcpscope.bpf.o
	$(Q)BUILD='$(BUILD)' MUTATED_CAPTURES=300 MUTATIONS=200 tests/twin/mutated

$(KERNEL_TEST_DIR)/%.o: %.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -Itests/twin $(DEPFLAGS) -c $< -o $@

$(KERNEL_TEST_DIR)/twin: $(TWIN_OBJECTS)
$(KERNEL_TEST_DIR)/mutated: $(MUTATED_OBJECTS)

$(KERNEL_TEST_DIR)/twin $(KERNEL_TEST_DIR)/mutated: | $(BUILD)/tcpscope.bpf.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -lbpf -lpcap -o $@

-include $(TWIN_OBJECTS:.o=.d) $(MUTATED_OBJECTS:.o=.d)
