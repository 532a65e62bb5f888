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

# Each line with the time of its arrival, as the journal has it.
stamp()
{
	local line now _
	while IFS= read -r line; do
		read -r now _ </proc/uptime
		printf '[%12.2f] %s\n' "$now" "$line"
	done
}

residual() { zstd -dc "$1" | awk '/^# name: residual/ { getline; getline; print }'; } # RESULT

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
title "/shared/hello/bin/hello"
/shared/hello/bin/hello | tee /run/hello

# Nothing but the mount: no network, and of files only the folders that podman makes.
title "a container submits a job"
mkdir /var/empty-root
container=(podman run --rm --network none -v /shared:/shared --rootfs /var/empty-root)
job=(/shared/run_scripts/start.sh /shared/octave_workflow.tar.zst /shared/results)
submit=(/shared/bin/shared-prep submit --wait --name octave --cpus 2 --)
status=0
began=${EPOCHREALTIME/./}
printf '%s \\\n    %s \\\n    %s\n' "${container[*]}" "${submit[*]}" "${job[*]}"
"${container[@]}" "${submit[@]}" "${job[@]}" 2>&1 | stamp || status=$?
container_took=$((${EPOCHREALTIME/./} - began))
title "shared-prep jobs"
shared-prep jobs
title "ls -l /shared/results"
ls -l /shared/results

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
is "of three of a compiled program, the one for the highest level that runs" \
	"$(jq -r .apps.hello.key /run/shared-prep/facts.json)" x86-64-v3
like "and it runs" "$(</run/hello)" 'build for x86-64-v3 with the flags default: trace -?[0-9.]+$'
is "ecs.service did its task" "$(property ecs.service Result)" success

task=$(journalctl -b -q -o cat -u ecs.service)
like "with the Octave in /shared" "$task" 'GNU Octave [0-9.]+ from /shared/octave'
is "the container's job ended as it should" "$status" 0
is "with a compressed result of each input" "$(cd /shared/results && echo *)" \
	"n100.zst n200.zst n250.zst n300.zst"
like "which is right" "$(residual /shared/results/n300.zst)" '^[0-9.]+e-1[0-9]$'
is "there is no Octave outside /shared" \
	"$(find / -xdev -iname '*octave*' -not -path '/usr/local/data/octave_*' \
		-not -path '/usr/share/shared-prep/*')" ""
fails "nor one in the search path" command -v octave octave-cli

span "kernel to /shared mounted" kernel "started shared.mount"
span "to shared-prep.service started" "started shared.mount" "starting shared-prep.service"
span "Octave unpacked, READY" "starting shared-prep.service" "started shared-prep.service"
span "the task of ecs.service" "starting ecs.service" "started ecs.service"
diag "time a container and its job $container_took"
diag "time of that the job $(jq '.wall_s * 1e6 | floor' /shared/jobs/done/*/result.json)"
