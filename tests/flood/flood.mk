# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds what tests/flood/run sends floods with; included by the Makefile, whose variables it uses. `make test-floods` is
# the long form: two million SYNs over ten thousand connections, a reader that stalls for ten seconds.

tests: $(BUILD)/flood

.PHONY: test-floods
test-floods: all $(TEST_DEPENDENCIES) $(BUILD)/flood
	@BUILD='$(BUILD)' tests/flood/run long

$(BUILD)/flood: tests/flood/flood.c | $(BUILD)/dependencies
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) $< -o $@

-include $(BUILD)/flood.d
