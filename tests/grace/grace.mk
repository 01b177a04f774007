# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds build/grace/grace and the program it runs, for tests/grace/run; included by the Makefile, whose variables it uses.

tests: $(BUILD)/grace/grace $(BUILD)/grace/slow.bpf.o

$(BUILD)/grace/grace: tests/grace/grace.c $(BUILD)/user/live/grace.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPFLAGS) $^ -lbpf -lpthread -o $@

$(BUILD)/grace/slow.bpf.o: tests/grace/slow.bpf.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@

-include $(BUILD)/grace/grace.d $(BUILD)/grace/slow.bpf.d
