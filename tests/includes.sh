#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who includes what is not theirs to know: a line per rule, `ok layers: RULE` or `not ok layers: RULE - who`; exit status 1 if
# a rule is broken. The build runs it, and tests/layers.sh.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${CC:=gcc}"
failed=0

# verdict RULE OFFENDERS
verdict() {
	if [ -z "$2" ]; then
		echo "ok layers: $1"
	else
		echo "not ok layers: $1 - $(tr '\n' ' ' <<<"$2")"
		failed=1
	fi
}

# includes FILE...: FILE:what it includes.
includes() {
	[ $# -gt 0 ] || echo "no files to look at"
	grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' "$@" | sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

# others FOLDER...: the program's files but for those of these folders.
others() {
	local but=()

	for folder in "$@"; do
		but+=(-not -path "user/$folder/*")
	done
	find user -name '*.[ch]' "${but[@]}"
}

mapfile -t not_live < <(others live)
mapfile -t not_pcap < <(others replay filter)
mapfile -t not_names < <(others names)
views=(user/text/*.c user/output/*.c user/service/*.c user/screen/*.c)

own_headers=$(printf '%s\n' include/*.h | sed 's#include/##' | paste -sd'|')
verdict "include/ includes only itself and freestanding types" \
	"$(includes include/*.h | grep -vE ":(\"(${own_headers//./\\.})|<linux/types\.h|<stdbool\.h|<stddef\.h)\$")"

# The numbers of bpf's commands are known where the sandbox allows them, too.
verdict "only the live source knows BPF" \
	"$(includes "${not_live[@]}" | grep -E ':[<"](bpf/|xdp/|linux/bpf|.*\.skel\.h)' | grep -v '^user/sandbox/sandbox_calls\.c:')"

verdict "only replay and filter know libpcap" "$(includes "${not_pcap[@]}" | grep -E ':[<"]pcap')"

# With all that their headers bring.
seen=$("$CC" -M -std=gnu11 -Iinclude -iquote user "${views[@]}" 2>&1) || seen="user/live/ $seen"
verdict "views and exporters see neither a source nor its library" \
	"$(tr ' ' '\n' <<<"$seen" | grep -E '(^|/)(user/(live|replay|sandbox)|bpf|xdp|pcap)/' | sort -u)"

text_headers=$(find user/output user/service user/text -name '*.h' -printf '%f\n' | paste -sd'|')
output_may="\.\./\.\./include/record\.h|names/names\.h|(service/|text/)?(${text_headers//./\\.})"
verdict "outputs see the record and the tools of text" \
	"$(includes user/output/output_*.c | grep ':"' | grep -vE ":\"($output_may)\$")"

verdict "the tools of text and the services know no output" \
	"$(includes user/text/*.[ch] user/service/*.[ch] | grep -E '"(output|screen|live|replay)/')"

verdict "of names all see but the cache; only the resolver looks up" \
	"$(includes "${not_names[@]}" | grep -E ':[<"](netdb|resolv|arpa/nameser|names/(question|zones)|(question|zones))\.h'
	includes "${not_names[@]}" | grep '"names/resolver\.h' | grep -v '^user/main\.c:'
	includes user/names/*.[ch] | grep '<netdb\.h' | grep -v '^user/names/resolver\.c:')"

exit "$failed"
