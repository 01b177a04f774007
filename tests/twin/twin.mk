# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds build/twin/twin, which tests/twin/run runs; included by the Makefile, whose variables it uses.

KERNEL_TEST_DIR := $(BUILD)/twin
TWIN_OBJECTS := $(patsubst %,$(KERNEL_TEST_DIR)/tests/twin/%.o,compare frame kernel native play random reports twin) \
	$(KERNEL_TEST_DIR)/tests/packets.o $(patsubst %,$(KERNEL_TEST_DIR)/user/%.o,replay/capture replay/pcapng replay/progress output/text)

tests: $(KERNEL_TEST_DIR)/twin

$(KERNEL_TEST_DIR)/%.o: %.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -Itests/twin $(DEPFLAGS) -c $< -o $@

$(KERNEL_TEST_DIR)/twin: $(TWIN_OBJECTS) | $(BUILD)/tcpscope.bpf.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -lbpf -lpcap -o $@

-include $(TWIN_OBJECTS:.o=.d)
