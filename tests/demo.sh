#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The stories that every TCP primer tells, played by real programs over real sockets and watched by tcpscope.
#
#     namespace client                      namespace server
#     veth0 192.0.2.1  <----------------->  veth0 192.0.2.2
#       ^ tcpscope (twice: table, JSON)       nftables: one port dropped, one rejected
#     192.0.2.99 is a host that went down: client still knows its link address, but nobody has it
#
# Everything lives in a sandbox (tests/lib/sandbox.sh), so nothing is left behind, also when interrupted.

set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib/sandbox.sh
. "$here/lib/sandbox.sh"

TCPSCOPE=${TCPSCOPE:-$here/../build/tcpscope}
PYTHON=${PYTHON:-/usr/bin/python3}
SERVER=192.0.2.2
DOWN=192.0.2.99
SCRATCH=/run/scratch
SCAN_PORTS=20010,20011,20012
EVENT_SECONDS=15

step() {
	echo "== $*"
}

inside() { # NAMESPACE COMMAND...
	nsenter "--net=/run/netns/$1" "${@:2}"
}

become() { # NAMESPACE COMMAND...: only with &, so that $! is the command itself
	exec nsenter "--net=/run/netns/$1" "${@:2}"
}

fail() {
	echo "demo: $*" >&2
	exit 1
}

# wait_line PID FILE PATTERN: until a line of FILE matches; fails when PID ends before, or after EVENT_SECONDS.
wait_line() {
	grep -q -m 1 "$3" < <(timeout "$EVENT_SECONDS" tail --pid="$1" -n +1 -F "$2" 2>/dev/null) ||
		fail "no line like '$3' in time; it said: $(cat "$2")"
}

make_network() {
	step "creating two network namespaces, client (192.0.2.1) and server ($SERVER), joined by a veth pair"
	ip netns add client
	ip netns add server
	ip link add veth0 netns client type veth peer name veth0 netns server
	inside client ip address add 192.0.2.1/24 dev veth0
	inside server ip address add "$SERVER/24" dev veth0
	inside client ip link set lo up
	inside server ip link set lo up
	inside client ip link set veth0 up
	inside server ip link set veth0 up
	inside client ip neighbour add "$DOWN" lladdr 02:00:00:00:00:99 dev veth0 nud permanent
	step "creating a firewall in server: ports 20003 and 20012 dropped, port 20004 rejected (administratively prohibited)"
	inside server nft -f - <<-RULES
		table inet demo {
			chain input {
				type filter hook input priority 0;
				tcp dport { 20003, 20012 } drop
				tcp dport 20004 reject with icmpx type admin-prohibited
			}
		}
	RULES
}

start_scope() { # NAME: sets scope_pid
	become client "$TCPSCOPE" -i veth0 --output "$1" >"$SCRATCH/$1" 2>"$SCRATCH/$1.err" &
	scope_pid=$!
	wait_line "$scope_pid" "$SCRATCH/$1.err" 'veth0: egress'
}

play_stories() {
	step "starting the servers: hello (13200), echo (20000), one that never accepts (20005), sinks (20006, 20010)"
	become server "$PYTHON" "$here/lib/story_server.py" >"$SCRATCH/servers" 2>&1 &
	wait_line $! "$SCRATCH/servers" ready
	step "playing eight stories at once, and nmap -sS of ports $SCAN_PORTS; the slowest takes about three seconds"
	become client "$PYTHON" "$here/lib/story_client.py" "$SERVER" "$DOWN" >"$SCRATCH/facts" 2>&1 &
	local client=$!
	become client nmap -sS -Pn -n --disable-arp-ping -p "$SCAN_PORTS" "$SERVER" >"$SCRATCH/nmap" 2>&1 &
	wait $! || fail "nmap: $(cat "$SCRATCH/nmap")"
	wait_line "$client" "$SCRATCH/facts" '^done$'
}

stop_scope() { # PID NAME
	local status=0

	kill -TERM "$1"
	wait "$1" || status=$?
	[ "$status" -eq 0 ] || fail "tcpscope --output $2 ended with status $status: $(cat "$SCRATCH/$2.err")"
}

main() {
	[ -x "$TCPSCOPE" ] || fail "$TCPSCOPE is not there; run: make"
	sandbox_prepare
	make_network
	step "attaching tcpscope to veth0 of client, twice: one prints the table, one JSON"
	start_scope table
	local table_pid=$scope_pid
	start_scope json
	local json_pid=$scope_pid
	cat "$SCRATCH/json.err"
	play_stories
	stop_scope "$table_pid" table
	stop_scope "$json_pid" json
	step "the flow table"
	cat "$SCRATCH/table"
	step "what tcpscope saw"
	"$PYTHON" "$here/lib/story_lines.py" "$SCRATCH/json"
	step "all of it is gone again: the namespaces, the interfaces, the programs"
}

if [ "${1:-}" = --inside ]; then
	main
	exit
fi
[ "$(id -u)" -eq 0 ] || fail "network namespaces and BPF need root; run: sudo make demo"
sandbox_need unshare setpriv nsenter ip nft nmap "$PYTHON" || exit 1
status=0
sandbox_run "${BASH_SOURCE[0]}" --inside || status=$?
exit "$status"
