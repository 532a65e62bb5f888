# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Jobs as units on cgroup v2: limits hold, results outlive the watcher, a container can submit.
spool=/shared/jobs
dropin=/run/systemd/system/shared-prep-job-.service.d/90-test.conf

result() { jq -r "$2" "$spool"/{done,failed}/"$1"/result.json 2>/dev/null; } # ID FILTER
unit() { echo "shared-prep-job-$1.service"; }
group() { echo "/sys/fs/cgroup$(property "$(unit "$1")" ControlGroup)"; }
submit() { shared-prep submit "$@"; }
is_away() { [ -d "$spool/done/$1" ] || [ -d "$spool/failed/$1" ]; } # ID
ended() # ID: and put away by the watcher
{
	shared-prep jobs --wait "$1" >/dev/null 2>&1 || :
	wait_for 30 is_away "$1"
}
begun() { wait_for 30 test -d "$spool/run/$1/work"; }
failed_units() { systemctl list-units --failed --no-legend --plain 'shared-prep-job-*'; }
override() # LINE...: for all jobs that begin from now on
{
	mkdir -p "${dropin%/*}"
	printf '%s\n' '[Service]' "$@" >"$dropin"
	systemctl daemon-reload
}

check "the watcher runs" systemctl is-active shared-prep-jobs.service
like "it makes units" "$(journalctl -b -q -o cat -u shared-prep-jobs.service)" 'each a unit'
exposure=$(systemd-analyze security --no-pager shared-prep-jobs.service |
	sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
at_least "its exposure, in tenths, is at most 25" 25 "${exposure:-none}"

# What a job is given.
id=$(submit --cpus 1 --mem 32M --scratch 16M --time 1h -- /bin/sh -c '
	group=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
	cd "$group" && echo "$group" && cat cpu.max cpu.weight memory.max memory.swap.max pids.max
	id -un; grep NoNewPrivs /proc/self/status; touch /tmp/mine; echo to-stderr >&2; exit 3')
ended "$id"
mapfile -t told <"$spool/failed/$id/stdout"
is "its group is in the slice" "${told[0]##*/cgroup}" \
	"/shared.slice/shared-prep.slice/shared-prep-jobs.slice/$(unit "$id")"
is "one CPU" "${told[1]}" "100000 100000"
is "its share" "${told[2]}" 100
is "memory, scratch and the recorder" "${told[3]}" $((56 << 20))
is "no swap" "${told[4]}" 0
is "a number of tasks" "${told[5]}" 1536
is "its user" "${told[6]}" shared-prep-job
like "no new privileges" "${told[7]}" '1$'
fails "its /tmp is its own" test -e /tmp/mine
is "standard error" "$(cat "$spool/failed/$id/stderr")" to-stderr
is "its result" "$(result "$id" '"\(.state) \(.exit) \(.reason)"')" "failed 3 exit code 3"
at_least "with the memory of its group" "$(result "$id" .peak_memory_bytes)" 100000
is "no failed unit is left" "$(failed_units)" ""

id=$(submit --cores 1 -- /bin/sh -c '
	grep Cpus_allowed_list: /proc/self/status | cut -f2
	cat "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cpuset.cpus"')
ended "$id"
is "a job is pinned by its group too" "$(head -n 1 "$spool/done/$id/stdout")" \
	"$(tail -n 1 "$spool/done/$id/stdout")"

# Memory.
journald=$(property systemd-journald.service MainPID)
other=$(submit -- tail -f /dev/null)
begun "$other"
id=$(submit --mem 32M --scratch 16M -- /usr/lib/vm/fill hold 200)
ended "$id"
is "a job over its memory is killed" "$(result "$id" '"\(.state) \(.signal)"')" "failed 9"
like "its result says so" "$(result "$id" .reason)" '^oom-kill: .*56\.0 MiB'
at_least "and what it had" "$(result "$id" .peak_memory_bytes)" $((50 << 20))
id=$(submit --mem 16M --scratch 8M -- /bin/sh -c '
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do head -c 7M /dev/zero >"f$i"; done')
ended "$id"
like "files in /shared are counted" "$(result "$id" .reason)" '^oom-kill'
is "no failed unit is left behind" "$(failed_units)" ""
check "another job lives" systemctl is-active "$(unit "$other")"
is "journald too" "$(property systemd-journald.service MainPID)" "$journald"
dd if=/dev/zero of=/shared/big bs=1M count=100 status=none
id=$(submit --mem 8M --scratch 1M -- /bin/sh -c 'cat /shared/big | wc -c')
ended "$id"
is "a reader reads more than it may have" "$(cat "$spool/done/$id/stdout")" $((100 << 20))
at_least "and is not charged for it" $((20 << 20)) "$(result "$id" .peak_memory_bytes)"
rm /shared/big

# Processes and time.
override TasksMax=48
# shellcheck disable=SC2016
id=$(submit --time 4s --grace 1s -- /bin/sh -c 'b() { b | b & }; b; while :; do :; done')
begun "$id"
bomb=$(group "$id")
check "a fork bomb meets its limit" wait_for 30 grep -q '^max [1-9]' "$bomb/pids.events"
at_least "which holds" 48 "$(cat "$bomb/pids.current")"
ended "$id"
like "its time ends it" "$(result "$id" .reason)" '^its time of 4'
check "nothing of it is left" wait_for 10 test ! -e "$bomb"
rm "$dropin"
systemctl daemon-reload

# Cancelling, and by its unit.
shared-prep cancel "$other"
ended "$other"
is "a job is cancelled" "$(result "$other" .state)" cancelled
id=$(submit -- tail -f /dev/null)
begun "$id"
systemctl stop "$(unit "$id")"
ended "$id"
is "stopping its unit cancels it" "$(result "$id" .state)" cancelled

# The watcher and the service manager come and go; results do not wait for them.
mkfifo -m 644 /shared/go
live=$(submit -- /bin/sh -c 'read -r go </shared/go; echo whole; exit 4')
dead=$(submit -- tail -f /dev/null)
begun "$live"
begun "$dead"
systemctl kill -s KILL shared-prep-jobs.service
systemctl stop shared-prep-jobs.service
systemctl daemon-reload
systemctl daemon-reexec
systemctl kill -s KILL "$(unit "$dead")"
check "a job whose recorder is killed has a result without the watcher" \
	wait_for 30 test -e "$spool/run/$dead/result.json"
check "another runs on" systemctl is-active "$(unit "$live")"
systemctl start shared-prep-jobs.service
is "the next watcher finds the one" "$(ended "$dead"; result "$dead" '"\(.state) \(.reason)"')" \
	"interrupted its recorder was killed by signal 9"
like "and follows the other" "$(journalctl -b -q -o cat -u shared-prep-jobs.service)" \
	"job '$live' runs on"
echo >/shared/go
ended "$live"
is "which ends as it should" "$(result "$live" .exit) $(cat "$spool/failed/$live/stdout")" "4 whole"
check "no failed unit is left after all" wait_for 10 test -z "$(failed_units)"

# Where not even the recorder of the end can run, the service manager remembers.
override ExecStopPost= ExecStopPost=/bin/false
id=$(submit --requeue -- /bin/sh -c '[ -e /shared/again ] || { touch /shared/again; tail -f /dev/null; }')
begun "$id"
wait_for 30 test -e /shared/again
systemctl kill -s KILL "$(unit "$id")"
ended "$id"
is "a job that is interrupted is queued again" "$(result "$id" .state)" "done"
rm "$dropin"
systemctl daemon-reload

# From a container that has nothing but the mount.
mkdir -p /var/empty-root
status=0
said=$(podman run --rm --network none -v /shared:/shared --rootfs /var/empty-root \
	/shared/bin/shared-prep submit --wait -- /bin/sh -c 'echo native; exit 5') || status=$?
is "a container submits, waits and gets output and code" "$status $said" "5 native"

# Per job, one after the other; the guest is emulated: only ratios mean something.
each() # TEXT COMMAND...
{
	local text=$1 i from to
	shift
	from=$(date +%s%N)
	for ((i = 0; i < 15; i++)); do "$@"; done
	to=$(date +%s%N)
	printf -v "ms_$text" %s $(((to - from) / 15000000))
}
mkdir -p /run/bench/in
mkfifo /run/bench/ended
cat >/run/systemd/system/bench.path <<'U'
[Path]
DirectoryNotEmpty=/run/bench/in
U
cat >/run/systemd/system/bench.service <<'U'
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'rm -f /run/bench/in/*; echo >/run/bench/ended'
U
systemctl daemon-reload
systemctl start bench.path
by_path() { touch /run/bench/in/job && read -r <>/run/bench/ended; }
by_run() { systemd-run --quiet --wait /bin/true; }
by_job() { shared-prep submit --wait -- /bin/true; }
each path by_path
each run by_run
each unit by_job
systemctl stop shared-prep-jobs.service bench.path
printf '[Jobs]\nExecutor=process\n' >/etc/shared-prep/conf.d/process.conf
shared-prep watch &
watcher=$!
by_job
each process by_job
kill "$watcher"
wait "$watcher" || :
# shellcheck disable=SC2154
diag "per job: unit $ms_unit ms, process $ms_process ms, systemd-run $ms_run ms, .path $ms_path ms"
