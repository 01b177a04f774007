# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds build/load, the load of connections that tests/e2e/latency.py measures against; included by tests/tests.mk.

LOAD_OBJECTS := $(patsubst %,$(BUILD)/tests/load/%.o,answer connect main)

tests: $(BUILD)/load

$(LOAD_OBJECTS): $(BUILD)/tests/load/%.o: tests/load/%.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -D_GNU_SOURCE $(DEPFLAGS) -c $< -o $@

$(BUILD)/load: $(LOAD_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(LDFLAGS) $^ -o $@

-include $(LOAD_OBJECTS:.o=.d)
