# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The kernel matrix; included by the Makefile. Not part of `make test`: it downloads a kernel, and emulates a processor.

KERNEL_PACKAGES = qemu-system-x86 busybox-static xdp-tools cpio kmod

.PHONY: test-kernels
test-kernels: all $(BUILD)/twin/twin $(BUILD)/grace/grace $(BUILD)/grace/slow.bpf.o $(BUILD)/kernels/other.bpf.o $(BUILD)/generate
	@missing=; PATH="$$PATH:/usr/sbin:/sbin"; \
	$(call need_program,qemu-system-x86_64,qemu-system-x86) $(call need_program,busybox,busybox-static) \
	$(call need_program,xdp-loader,xdp-tools) $(call need_program,cpio,cpio) $(call need_program,depmod,kmod) \
	if [ -n "$$missing" ]; then echo "run: sudo apt-get install $(KERNEL_PACKAGES)" >&2; exit 1; fi
	@BUILD='$(BUILD)' tests/kernels/run

$(BUILD)/kernels/other.bpf.o: tests/kernels/other.bpf.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@

-include $(BUILD)/kernels/other.bpf.d
