#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: start.sh WORKFLOW RESULTS
#
# A job: unpacks WORKFLOW, an archive of a folder with main.m and inputs/, runs
# `octave main.m inputs/NAME RESULT` for each input, as many at a time as the job has CPUs, and puts
# the result of each, compressed, into RESULTS/NAME.zst as soon as that Octave has ended. What is
# there is whole, and is not computed again. Exits with 1 if an input failed, and names it. SIGTERM
# ends it early: what was computed by then is still compressed.
set -eu

say() { echo "start.sh: $*" >&2; }

die() # TEXT
{
	say "$1"
	exit 1
}

# SIGTERM is passed on to the children, also to one that is just being started.
stopped=
children=
pass_on()
{
	# shellcheck disable=SC2086
	[ -z "$stopped" ] || [ -z "$children" ] || kill $children 2>/dev/null || :
}
stop()
{
	stopped=yes
	pass_on
}

# A signal ends a wait early, so that it is heard at once.
await() # PID: leaves its exit status in $status
{
	status=0
	wait "$1" || status=$?
	while kill -0 "$1" 2>/dev/null; do
		status=0
		wait "$1" || status=$?
	done
}

# Appears whole, by rename, and no signal comes between.
keep() # NAME
{
	part=$results/.$1.$$.part
	(
		trap '' TERM INT HUP
		zstd -q -c "$scratch/out/$1" >"$part" && mv "$part" "$results/$1.zst" && exit
		rm -f "$part"
		exit 1
	)
}

print_log() # NAME
{
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s: %s\n' "$1" "$line"
	done <"$scratch/log/$1"
}

compute() # NAME
{
	octave --no-history --quiet main.m "inputs/$1" "$scratch/out/$1" \
		</dev/null >"$scratch/log/$1" 2>&1 &
	children=$!
	pass_on
	await "$children"
	children=
	if [ "$status" = 0 ]; then
		keep "$1" || say "no result of input '$1' could be kept"
		print_log "$1"
	elif [ -z "$stopped" ]; then
		print_log "$1" >&2
		say "input '$1' failed: octave ended with $status"
	fi
	rm -f "$scratch/out/$1"
}

# There is one for each CPU. It takes one input after the other that no other one has taken.
lane() # INPUT...
{
	children=
	trap stop TERM INT HUP
	for input; do
		name=${input##*/}
		[ -z "$stopped" ] || break
		[ ! -e "$results/$name.zst" ] || continue
		if mkdir "$scratch/taken/$name" 2>/dev/null; then compute "$name"; fi
	done
}

[ $# = 2 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
shared=$(cd "$(dirname "$0")/.." && pwd)
cpus=${SHARED_PREP_JOB_CPUS:-$(nproc)}
# Each Octave has one of them. (nproc would heed this too.)
export PATH="$shared/octave/bin:$shared/bin:$PATH" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$2"
results=$(cd "$2" && pwd)
scratch=$(mktemp -d) # a job's TMPDIR is a folder of its own in /shared
trap 'rm -rf "$scratch"' EXIT
trap stop TERM INT HUP

mkdir "$scratch/out" "$scratch/log" "$scratch/taken"
shared-prep unpack --quiet "$1" "$scratch/workflow"
cd "$scratch/workflow"
# `shared-prep pack` keeps the folder itself, `tar -C FOLDER -c .` does not.
[ -e main.m ] || cd ./*/ 2>/dev/null || :
archive=$1
set -- inputs/*
[ -e main.m ] && [ -e "$1" ] || die "there is no main.m, or no input, in '$archive'"

while [ "$cpus" -gt 0 ]; do
	lane "$@" &
	children="$children $!"
	cpus=$((cpus - 1))
done
pass_on
for child in $children; do
	await "$child"
done

missing=
for input; do
	[ -e "$results/${input##*/}.zst" ] || missing="$missing '${input##*/}'"
done
[ -z "$missing" ] || say "no result of$missing"
[ -z "$stopped" ] || exit 143
[ -z "$missing" ]
