# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A sandbox that cannot leave anything behind: own mount, process and (by name) network namespaces. Names of network
# namespaces, the BPF file system and scratch files live in mounts that only its processes see, so when its first
# process goes, for whatever reason, the kernel takes the rest away. For tests/demo.sh and tests/e2e/run.

# sandbox_run COMMAND...: runs it inside, and returns its status. On a signal everything inside is killed at once.
sandbox_run() {
	local status=0

	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --mount-proc -- "$@" &
	sandbox_pid=$!
	trap 'sandbox_interrupted 130' INT
	trap 'sandbox_interrupted 143' TERM HUP
	wait "$sandbox_pid" || status=$?
	trap - INT TERM HUP
	return "$status"
}

# Killing the first process of a PID namespace kills all of it before the parent hears of it.
sandbox_interrupted() {
	local first

	trap '' INT TERM HUP
	first=$(cat "/proc/$sandbox_pid/task/$sandbox_pid/children") || first=
	first=${first%% *}
	# Before unshare has forked there is no first process; then unshare itself is all there is.
	kill -KILL "${first:-$sandbox_pid}"
	if ! wait "$sandbox_pid" 2>/dev/null; then
		echo "interrupted: namespaces, interfaces and processes are gone" >&2
	fi
	exit "$1"
}

# Called first inside: mounts that hide the sandbox's files. Scratch is in /run/scratch.
sandbox_prepare() {
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /sys/fs/bpf # below the sandbox's own: a test that takes that off must not meet the host's
	mount -t bpf bpf /sys/fs/bpf
	mkdir /run/scratch
}

# sandbox_need PROGRAM...: a readable message for each that is missing.
sandbox_need() {
	local program missing=0

	for program in "$@"; do
		if ! command -v "$program" >/dev/null; then
			echo "$0: $program is not installed; run: sudo make deps" >&2
			missing=1
		fi
	done
	return "$missing"
}
