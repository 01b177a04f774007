#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The layers of the house: the engine calls nothing, whoever compiles it; and nobody includes what is not theirs to know.
set -u
cd "$(dirname "$0")/.." || exit 1

: "${CC:=gcc}" "${CLANG:=clang-19}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# verdict NAME OFFENDERS: nothing offends, or why not.
verdict() {
	if [ -z "$2" ]; then
		echo "ok layers: $1"
	else
		echo "not ok layers: $1 - $(tr '\n' ' ' <<<"$2")"
		failed=1
	fi
}

# A body without a libc: its memory is the table's, its room for reports one.
cat >"$dir/plain.c" <<'SOURCE'
#include "shape.h"
#include "summary.h"
struct table_lock { int held; };
struct table {
	struct table_shape shape;
	__u64 *tags;
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct table_lock lock;
	struct report report;
	struct summaries summaries;
	struct service_set *services;
};
#include "engine.h"
#include "record.h"
#include "rung_take.h"
INLINE __u64 *table_tags(struct table *table, __u32 bucket) { return &table->tags[bucket]; }
INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket) { return &table->flows[bucket]; }
INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket) { return &table->facts[bucket]; }
INLINE __u64 *table_next_look(struct table *table, __u32 bucket) { return &table->tags[bucket]; }
INLINE struct table_lock *table_lock_of(struct table *table, __u32 region) { (void)region; return &table->lock; }
INLINE void table_lock(struct table_lock *lock) { lock->held = 1; }
INLINE void table_unlock(struct table_lock *lock) { lock->held = 0; }
INLINE struct report *report_reserve(struct table *table) { return &table->report; }
INLINE struct departure *table_departure(struct table *table) { static struct departure departure; (void)table; return &departure; }
INLINE struct service_set *table_services(struct table *table, __u32 set) { return &table->services[set]; }
INLINE struct table_lock *table_services_lock(struct table *table, __u32 set) { (void)set; return &table->lock; }
INLINE void report_submit(struct report *report) { (void)report; }
INLINE void report_discard(struct report *report) { (void)report; }
INLINE struct summary *table_summary(struct table *table, const struct summary_key *key)
{
	return summaries_at(&table->summaries, key);
}
INLINE void clock_exact(struct segment *seg) { seg->clock_error = 0; }
int packet(struct table *, struct ledger *, enum link_type, struct cursor *, struct segment *);
int packet(struct table *table, struct ledger *ledger, enum link_type link, struct cursor *at, struct segment *seg)
{
	return engine_enter(table, ledger, seg, segment_parse(link, at, seg));
}
bool rung(struct rung *, const struct rung_before *, struct table *, const struct segment *);
bool rung(struct rung *rung, const struct rung_before *before, struct table *table, const struct segment *seg)
{
	return rung_is_shown(table, seg) && rung_make(rung, before, table, seg);
}
bool classic(struct classic_run *, const struct classic_code *);
bool classic(struct classic_run *run, const struct classic_code *code) { return classic_next(run, code); }
void sweep(struct table *, struct sweep_call *);
void sweep(struct table *table, struct sweep_call *call) { table_sweep_call(table, call); }
#ifndef __bpf__
bool take(struct handover *, struct table *, struct report *);
bool take(struct handover *handover, struct table *table, struct report *report)
{
	if (!handover_take(handover, table->flows, table->facts, report))
		return false;
	handover_taken(handover, table->flows, table->facts, table->services, report);
	return true;
}
void made(struct record *, const struct report *, const struct record_context *);
void made(struct record *record, const struct report *report, const struct record_context *context)
{
	record_make(record, report, context);
}
#endif
SOURCE

# Compilers copy and clear structs by these two, even where nobody calls them.
compilers_own='^(memcpy|memset)$'

engine_alone() {
	local name=$1
	shift

	if ! "$@" -Iinclude -c "$dir/plain.c" -o "$dir/plain.o" 2>"$dir/errors"; then
		verdict "the engine alone, $name" "does not compile: $(tail -3 "$dir/errors")"
		return
	fi
	verdict "the engine alone, $name, has no undefined symbol" \
		"$(nm -u "$dir/plain.o" | awk '{print $2}' | grep -vE "$compilers_own")"
}

engine_alone "$CC" "$CC" -std=gnu11 -O2
engine_alone "$CLANG" "$CLANG" -std=gnu11 -O2
engine_alone "$CLANG for BPF" "$CLANG" -std=gnu11 -O2 -g --target=bpf -mcpu=v3 -I"/usr/include/$(uname -m)-linux-gnu"

# A call of a helper is `call N`; one of our own functions names a section or a symbol (a relocation, -1).
verdict "the engine alone calls no BPF helper" \
	"$("${LLVM_OBJDUMP:-llvm-objdump-19}" -d "$dir/plain.o" 2>&1 | grep -E '\bcall (0x)?[0-9a-f]+$' | grep -vE 'call -(0x)?1$')"
verdict "the engine compiled for BPF has code" \
	"$([ "$("${LLVM_OBJDUMP:-llvm-objdump-19}" -d "$dir/plain.o" 2>&1 | grep -c exit)" -gt 0 ] || echo "none was disassembled")"

tests/includes.sh || failed=1

# They escape what they say: a name could command the terminal.
verdict "what the program says goes through message_put" \
	"$(grep -rnE '(fprintf|fputs|fputc|perror)\(.*(stderr|"tcpscope: )' user --include='*.c' | grep -vE '^user/(message|replay/progress|live/loader)\.c:')"

depths=$(python3 tests/stack.py "${BUILD:-build}/tcpscope.bpf.o") || depths="? it cannot be told"
verdict "the programs' stack is enough for kernels before 6.8" "$(awk '!($1 + 0 > 0 && $1 <= 512)' <<<"$depths"
	for program in xdp_ingress tc_ingress tc_egress sweep; do grep -q "^[0-9]* $program\b" <<<"$depths" || echo "$program is missing"; done)"

exit "$failed"
