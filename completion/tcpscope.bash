# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion of tcpscope's command line in bash. A test holds it against tcpscope --help.

_tcpscope() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=

	COMPREPLY=()
	# bash splits --output=json in three words.
	if [ "$word" = = ]; then
		word=
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	-i | --interface) words=$(cd /sys/class/net 2>/dev/null && echo ./*) words=${words//.\//} ;;
	-r | --read | --junit)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--output) words="table json csv zeek none" ;;
	--hook) words="auto xdp tc" ;;
	--color) words="auto always never" ;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	--active | --duration | --idle | --flows | --interval | --pin | --unpin | --assert | --ladder) return ;;
	*)
		words="--interface --read --interval --per-interval --ladder --output --color --report --active --idle --duration --flows --hook"
		words+=" --merge --resolve --pin --tap --unpin --user --assert --junit --stats --strict --help --version"
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tcpscope tcpscope
