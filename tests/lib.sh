# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For suites in bash: TAP on descriptor 1 of the suite, whatever a test prints goes to descriptor 2.
#
#   . "$TOP/tests/lib.sh"
#   check "text" command arg…      passes when the command succeeds
#   done_testing                   prints the plan; last line of a suite

set -uo pipefail

exec 3>&1 1>&2
tap_count=0

tap() { printf '%s\n' "$*" >&3; }
diag() { printf '# %s\n' "$*" >&3; }

ok() {
	tap_count=$((tap_count + 1))
	tap "ok $tap_count - $1"
}

# not_ok TEXT [DIAGNOSTIC…]
not_ok() {
	local line
	tap_count=$((tap_count + 1))
	tap "not ok $tap_count - $1"
	shift
	for line in "$@"; do
		while IFS= read -r l; do diag "$l"; done <<<"$line"
	done
}

check() {
	local text=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	if [ "$status" = 0 ]; then
		ok "$text"
	else
		not_ok "$text" "exit $status: $*" "$out"
	fi
}

# check_exit CODE REGEX TEXT COMMAND…: exit code and a line of its output (both streams)
check_exit() {
	local want=$1 regex=$2 text=$3 out status=0
	shift 3
	out=$("$@" 2>&1) || status=$?
	if [ "$status" != "$want" ]; then
		not_ok "$text" "exit $status instead of $want: $*" "$out"
	elif ! grep -qE -- "$regex" <<<"$out"; then
		not_ok "$text" "no line matches /$regex/: $*" "$out"
	else
		ok "$text"
	fi
}

# one_line CODE REGEX TEXT COMMAND…: a mistake is one line on standard error, nothing on the other;
# for a suite that has a folder $work
one_line() {
	local want=$1 regex=$2 text=$3 status=0
	shift 3
	"$@" >"$work/out" 2>"$work/err" || status=$?
	if [ "$status" = "$want" ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] &&
		grep -qE -- "$regex" "$work/err"; then
		ok "$text"
	else
		not_ok "$text" "exit $status instead of $want: $*" "$(cat "$work/out" "$work/err")"
	fi
}

# completes PROGRAM NAME WORD FULL: its completion, sourced, makes FULL of the command WORD
completes() (
	# shellcheck disable=SC1090
	. <("$1" --completion bash)
	complete -p "$2" >/dev/null || exit
	# shellcheck disable=SC2034
	COMP_WORDS=("$2" "$3") COMP_CWORD=1
	"$(complete -p "$2" | sed -E 's/.*-F ([^ ]+).*/\1/')" && [ "${COMPREPLY[*]}" = "$4" ]
)

# undocumented PROGRAM PAGE COMMAND…: prints each option that the page does not have at its command
undocumented() {
	local program=$1 page=$2 c o
	shift 2
	for c; do
		"$program" "$c" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u | while read -r o; do
			[ "$o" = --help ] || awk -v c="$c" '/^\.It Cm /{on = $3 == c} on' "$page" |
				grep -- "Fl -${o#--}" >/dev/null || echo "$c $o"
		done
	done
}

# wait_for SECONDS COMMAND…: polls a state until it holds; fails when the time is over (PATIENCE=:
# a factor for slow programs)
wait_for() {
	local deadline=$((SECONDS + $1 * ${PATIENCE:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

done_testing() { tap "1..$tap_count"; }
