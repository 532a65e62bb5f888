# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Run in the guest by tests/vm/root/usr/lib/vm/run when the boot is over. What it prints is the
# demo's transcript, its checks are TAP; "time TEXT MICROSECONDS" there is a row of the last table.

title() { printf '\n-- %s\n' "$*"; }

# As lib.sh has it, but by PID 1's words: what it says before journald runs comes through the
# kernel, which keeps no fields.
when() # starting|started UNIT
{
	local verbs='Started|Finished|Mounted|Reached target'
	[ "$1" = started ] || verbs='Starting|Mounting'
	journalctl -b -q -o json SYSLOG_IDENTIFIER=systemd |
		jq -r --arg re "^($verbs) $2 " 'select(.MESSAGE | test($re)).__MONOTONIC_TIMESTAMP' |
		head -n 1
}

seconds() { printf '%d.%03d' $(($1 / 1000000)) $(($1 / 1000 % 1000)); } # MICROSECONDS

# span TEXT "FROM UNIT" "TO UNIT"
span()
{
	local from=0 to
	# shellcheck disable=SC2086
	[ "$2" = kernel ] || from=$(when $2)
	# shellcheck disable=SC2086
	to=$(when $3)
	[ -z "$from" ] || [ -z "$to" ] || diag "time $1 $((to - from))"
}

metadata_answered() { [ "$(jq -r .metadata /run/shared-prep/facts.json)" = ok ]; }

journalctl --sync
title "the journal of this boot"
journalctl -b -q -o short-monotonic --no-hostname |
	grep -E 'shared-prep|shared\.mount|ecs\.service|octave\['

free=$(when started basic.target)
ready=$(when started shared-prep.service)
took=$(when starting ecs.service)
title "ecs.service"
echo "might have started $(seconds "$free") s into the boot (basic.target), READY was at" \
	"$(seconds "$ready") s, it started at $(seconds "$took") s"

title "shared-prep plan"
shared-prep plan
title "shared-prep status"
shared-prep status || true
title "ls -l /shared"
ls -l /shared

in_order "sealed, mounted, prepared, READY, and only then ecs.service" \
	"started shared-prep-seal.service" "started shared.mount" "starting shared-prep.service" \
	"started shared-prep.service" "starting ecs.service" "started ecs.service"
check "the agent is ready" shared-prep status
check "the metadata service at 169.254.169.254 answered" wait_for 60 metadata_answered
is "the machine knows that it is a c5n.18xlarge" \
	"$(jq -r .instance_type /run/shared-prep/facts.json)" c5n.18xlarge
is "of two archives of Octave, the one that fits was unpacked" \
	"$(jq -r .apps.octave.key /run/shared-prep/facts.json)" c5n
like "the one with the better name was refused for its instructions" \
	"$(shared-prep plan 2>&1)" 'octave_c5n\.18xlarge[^[:cntrl:]]*avx512f'
is "ecs.service did its task" "$(property ecs.service Result)" success

task=$(journalctl -b -q -o cat -u ecs.service)
like "with the Octave in /shared" "$task" 'GNU Octave [0-9.]+ from /shared/octave'
is "and its results are right" "$(grep -c 'residual [0-9.]*e-1[0-9]$' <<<"$task")" 3
is "there is no Octave outside /shared" \
	"$(find / -xdev -iname '*octave*' -not -path '/usr/local/data/octave_*')" ""
fails "nor one in the search path" command -v octave octave-cli

span "kernel to /shared mounted" kernel "started shared.mount"
span "to shared-prep.service started" "started shared.mount" "starting shared-prep.service"
span "Octave unpacked, READY" "starting shared-prep.service" "started shared-prep.service"
span "the task of ecs.service" "starting ecs.service" "started ecs.service"
