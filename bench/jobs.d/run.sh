# shellcheck shell=bash disable=SC2154 # globals of bench/jobs
# SPDX-License-Identifier: Apache-2.0
# What bench/jobs measures: one function for each kind, which sets took, in microseconds.

timed() # COMMAND...
{
	local begin=${EPOCHREALTIME/[.,]/}
	"$@"
	took=$((${EPOCHREALTIME/[.,]/} - begin))
}

as_user() { setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }

eventually() # COMMAND...: for ten seconds
{
	local i
	for ((i = 0; i < 500; i++)); do
		! "$@" || return 0
		sleep 0.02
	done
	return 1
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }

spool=$mnt/spool
watch=("$mnt/bin/shared-prep" watch --root "$mnt/root" --spool "$spool")
submit=("$mnt/bin/shared-prep" submit --spool "$spool")

# A tmpfs with a root for the agent, a spool, the programs, and a folder of the user.
fresh()
{
	! mountpoint -q "$mnt" || umount "$mnt"
	mount -t tmpfs -o size=3G,mode=755,nosuid,nodev bench "$mnt"
	mkdir -p "$mnt"/{bin,user,root/proc,root/run,root/etc/shared-prep}
	cp "$work"/bin/* "$mnt/bin/"
	cp "$agent" "$mnt/bin/shared-prep"
	chown "$user:$user" "$mnt/user"
	printf '[Metadata]\nProvider=none\n[Jobs]\nExecutor=process\nCpus=%s\n' "$slots" \
		>"$mnt/root/etc/shared-prep/shared-prep.conf"
	"${watch[@]}" --once 2>"$mnt/log"
	as_user test -x "$mnt/bin/spool" || die "'$mnt' must be open to others: set BUILD="
	# What submit writes.
	as_user "${submit[@]}" -- /bin/true >"$mnt/id"
	mv "$spool/new/$(<"$mnt/id")" "$mnt/job"
	chmod 644 "$mnt/job"
}

fill() { as_user "$mnt/bin/spool" fill "$1" "$mnt/job" "$spool"; } # COUNT
await() { "$mnt/bin/spool" await "$1" "$spool/done"; }             # COUNT
pool() { as_user "$mnt/bin/pool" "$@"; }

# Returns when it is ready.
watcher_start()
{
	: >"$mnt/log"
	"${watch[@]}" 2>"$mnt/log" &
	watcher=$!
	until grep -q 'CPUs and .* for jobs' "$mnt/log"; do kill -0 "$watcher"; done
}

watcher_stop() { kill -TERM "$watcher" && wait "$watcher"; }

# Nothing was lost: so many jobs are done, as the watcher itself has counted, and none failed.
check_done() # COUNT
{
	local file=$mnt/root/run/shared-prep/jobs.prom
	grep -qxF "shared_prep_jobs_ended_total{state=\"done\"} $1" "$file" || { cat "$file" >&2; return 1; }
	[ -z "$(ls "$spool/failed")" ]
}

# The floor and ours

run_floor() { timed pool "$jobs" "$slots" /bin/true; }

run_queued()
{
	fill "$jobs"
	timed "${watch[@]}" --once 2>"$mnt/log"
	check_done "$jobs"
}

fill_all() { fill "$jobs" && await "$jobs"; }
submit_all() { pool "$jobs" "$slots" "${submit[@]}" -- /bin/true && await "$jobs"; }

run_by() # COMMAND
{
	watcher_start
	timed "$1"
	watcher_stop
	check_done "$jobs"
}
run_renamed() { run_by fill_all; }
run_submitted() { run_by submit_all; }

latency_measure()
{
	local us
	fresh
	watcher_start
	as_user "$mnt/bin/spool" latency "$samples" "$spool" >"$mnt/latency"
	watcher_stop
	while read -r us; do record latency "$us"; done <"$mnt/latency"
}

# The others

peers_find()
{
	local name
	peers=()
	for name in tsp nq incron; do
		if command -v "${name/incron/incrond}" >/dev/null; then
			peers+=("$name")
		else
			say "bench: no $name"
		fi
	done
}

peers_versions()
{
	if command -v dpkg-query >/dev/null; then
		dpkg-query -W -f '${Package} ${Version}, ' task-spooler nq incron 2>/dev/null | sed 's/, $//'
	else
		rpm -q task-spooler nq incron 2>/dev/null | paste -sd' '
	fi || :
}

# incrond writes a line for each event: into nothing, which is the fastest log.
hide_log()
{
	mount --bind /dev/null /dev/console 2>/dev/null || :
	[ ! -S /dev/log ] || mount --bind /dev/null /dev/log
}

no_tsp() { ! pgrep -x tsp >/dev/null; }
tsp_all() { pool "$jobs" "$slots" tsp /bin/true && as_user tsp -w; }

run_tsp()
{
	export TS_SOCKET=$mnt/user/socket TS_SLOTS=$slots TMPDIR=$mnt/user
	as_user tsp >/dev/null
	timed tsp_all
	as_user tsp -K
	unset TMPDIR
	eventually no_tsp
}

nq_one() # QUEUE COUNT
{
	export NQDIR=$mnt/user/$1
	pool "$2" 1 nq -q /bin/true && as_user nq -w
}

nq_all()
{
	local i pids=()
	for ((i = 0; i < slots; i++)); do
		nq_one "$i" $((jobs / slots + (i < jobs % slots))) &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# Written after the job has ended.
nq_has_ended() { [ "$(grep -lrF 'exited with status 0' "$mnt/user" | wc -l)" = "$jobs" ]; }

run_nq()
{
	timed nq_all
	eventually nq_has_ended
}

incron_all() { "$mnt/bin/spool" fill "$jobs" "$mnt/job" "$mnt/in" && wait "$reader"; }

run_incron()
{
	local daemon name
	mkdir -p "$mnt/in"/{tmp,new} "$mnt"/incron/{system,user,run}
	mkfifo "$mnt/ended"
	for name in system_table_dir=system user_table_dir=user lockfile_dir=run; do
		echo "${name%=*} = $mnt/incron/${name#*=}"
	done >"$mnt/incron/conf"
	echo "$mnt/in/new IN_MOVED_TO $mnt/bin/spool mark $mnt/ended" >"$mnt/incron/system/bench"
	incrond -n -f "$mnt/incron/conf" &
	daemon=$!
	"$mnt/bin/spool" marks 1 "$mnt/ended" &
	reader=$!
	# Ready when a first job has run.
	sleep 0.5
	"$mnt/bin/spool" fill 1 "$mnt/job" "$mnt/in"
	eventually is_gone "$reader"
	rm "$mnt/in/new"/*
	"$mnt/bin/spool" marks "$jobs" "$mnt/ended" &
	reader=$!
	timed incron_all
	kill -TERM "$daemon"
	wait "$daemon" || :
}

# Queues and memory

switches() { cat "/proc/$1/task"/*/status | awk '/^voluntary/ { n += $2 } END { print n }'; } # PID

memory_record() # QUEUED
{
	awk -v OFS='\t' -v queued="$1" '/^VmHWM/ { peak = $2 } /^VmRSS/ { rss = $2 } /^RssAnon/ { anon = $2 }
		END { print "memory", queued, peak, rss, anon }' "/proc/$watcher/status" >>"$results"
}

list() { "$mnt/bin/shared-prep" jobs --spool "$spool" >"$mnt/list"; }

hold_all() # makes a job that has all slots, and runs on without a watcher
{
	mkfifo -m 666 "$mnt/end"
	watcher_start
	holder=$(as_user "${submit[@]}" --cpus "$slots" -- /bin/sh -c "read x <'$mnt/end'")
	eventually test -s "$spool/run/$holder/lock"
	watcher_stop
}

queue_measure() # COUNT
{
	local n=$1
	hold_all
	fill "$n"
	timed watcher_start
	record queue "$n" start "$took"
	timed list
	[ "$(wc -l <"$mnt/list")" = $((n + 1)) ]
	record queue "$n" list "$took"
	sleep 1
	memory_record "$n"
	watcher_stop
	echo >"$mnt/end"
	eventually test -s "$spool/run/$holder/result.json"
	timed "${watch[@]}" --once 2>"$mnt/log"
	record queue "$n" drain "$took"
	check_done $((n + 1))
}
