# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a test in a guest is written with: tests/lib.sh (put here as tap.sh) and the few things that
# only a guest needs. A test that stops half way is a failure that names the command.
# shellcheck source=/dev/null
. /usr/lib/vm/tap.sh
set -eE

# Of a guest with --boots: which one this is, and the tests so far.
read -r boot tap_count 2>/dev/null </var/lib/vm-boot || boot=1

again() # boots from the same disk and runs the test once more
{
	echo "$((boot + 1)) $tap_count" >/var/lib/vm-boot
	touch /run/vm-again
	exit
}

# fails TEXT COMMAND...: passes when the command fails.
fails()
{
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then
		not_ok "$text" "it succeeded: $*" "$out"
	else
		ok "$text"
	fi
}

is() # TEXT GOT WANTED
{
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', wanted '$3'"; fi
}

like() # TEXT GOT REGEX
{
	if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "got '$2', wanted /$3/"; fi
}

at_least() # TEXT GOT WANTED
{
	if [ "$2" -ge "$3" ]; then ok "$1"; else not_ok "$1" "got $2, wanted at least $3"; fi
}

property() { systemctl show --value -p "$2" "$1"; } # UNIT NAME

# The exit code of the last process of UNIT that failed, be it main or ExecStartPre=.
exit_code()
{
	journalctl --sync
	journalctl -b -q -o json MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 UNIT="$1" |
		jq -r .EXIT_STATUS | tail -n 1
}

# The options of the live mount; its size and its use in bytes.
mount_options() { findmnt -nro OPTIONS --mountpoint /shared; }
mount_size() { findmnt -bnro SIZE --mountpoint /shared; }

# when starting|started UNIT: PID 1's own message, in microseconds of the monotonic clock. What came
# before the journal could read has no fields there: PID 1 still knows the time.
when()
{
	local id own time
	case $1 in
	starting) id=7d4958e842da4a758f6c1cdc7b36dcc5 own=InactiveExitTimestampMonotonic ;;
	started) id=39f53479d3a045ac8e11786248231fbf own=ActiveEnterTimestampMonotonic ;;
	esac
	time=$(journalctl -b -q -o json MESSAGE_ID=$id UNIT="$2" |
		jq -r '.__MONOTONIC_TIMESTAMP' | head -n 1)
	[ -n "$time" ] || time=$(property "$2" $own)
	[ "$time" = 0 ] || echo "$time"
}

# in_order TEXT "WHAT UNIT"...: each happened, and none before the one named before it.
in_order()
{
	local text=$1 event time last=0 seen=
	shift
	for event; do
		# shellcheck disable=SC2086
		time=$(when $event)
		seen+="$event at ${time:-never}; "
		if [ -z "$time" ] || [ "$time" -lt "$last" ]; then
			not_ok "$text" "$seen"
			return
		fi
		last=$time
	done
	ok "$text"
	diag "$seen"
}

# Boot got as far as a login: what a broken /shared must never prevent.
boot_reached_login()
{
	check "multi-user.target is reached" systemctl is-active multi-user.target
	check "users may log in" systemctl is-active systemd-user-sessions.service
}

tap_end()
{
	local status=$?
	[ "$status" = 0 ] || not_ok "the test runs to its end" "exit $status, ${failed_at:-nowhere}"
	[ -e /run/vm-again ] || done_testing
}
trap 'failed_at="line $LINENO: $BASH_COMMAND"' ERR
trap tap_end EXIT
