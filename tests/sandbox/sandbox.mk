# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds build/sandbox/attempts, which tests/sandbox/run runs; included by the Makefile, whose variables it uses.

tests: $(BUILD)/sandbox/attempts

$(BUILD)/sandbox/attempts: tests/sandbox/attempts.c $(patsubst %.c,$(BUILD)/%.o,$(wildcard user/sandbox/*.c) user/message.c user/text/text.c)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) $^ -lseccomp -lcap -o $@

-include $(BUILD)/sandbox/attempts.d
