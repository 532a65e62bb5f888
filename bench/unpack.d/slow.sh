# shellcheck shell=bash disable=SC2034,SC2154 # globals of bench/unpack
# SPDX-License-Identifier: Apache-2.0
# A fresh cloud volume: nbdkit answers each read 20 ms late, nbdfuse makes that a file. The kernel
# reads the file ahead as it does a disk (128 KiB), and its page cache is empty each time because the
# mount is a new one. What is read is in the page cache below it, so that only the delay counts.

slow_delay=20ms
slow_connections=64
slow_kit=
slow_fuse=

await() # WHAT COMMAND...: until it succeeds, for 10 s at most
{
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		"$@" && return
		sleep 0.05
	done
	echo "bench: no $what after 10 s" >&2
	tail -n 5 "$work/slow.log" >&2
	return 1
}

# Sets slow_file.
slow_start() # ARCHIVE
{
	local sock=$work/slow.sock dir=$work/slow
	mkdir -p "$dir" "$work/fusectl"
	rm -f "$sock"
	cat "$1" >/dev/null
	nbdkit --foreground --exit-with-parent --readonly --unix "$sock" --filter=delay file "$1" \
		rdelay="$slow_delay" >"$work/slow.log" 2>&1 &
	slow_kit=$!
	await 'socket of nbdkit' test -S "$sock"
	LD_PRELOAD=$work/fuse_threads.so nbdfuse -r -C "$slow_connections" "$dir/archive" \
		--unix "$sock" >>"$work/slow.log" 2>&1 &
	slow_fuse=$!
	await 'file of nbdfuse' mountpoint -q "$dir"
	slow_file=$dir/archive
	slow_widen "$dir"
}

# The kernel has 12 requests in the background at once, a disk's queue is deeper.
slow_widen() # DIR
{
	local number
	mountpoint -q "$work/fusectl" || mount -t fusectl bench "$work/fusectl"
	number=$(stat -c %Ld "$1")
	echo "$slow_connections" >"$work/fusectl/$number/max_background"
	echo "$slow_connections" >"$work/fusectl/$number/congestion_threshold"
}

slow_stop()
{
	! mountpoint -q "$work/slow" || umount "$work/slow"
	[ -z "$slow_fuse" ] || { kill "$slow_fuse" 2>/dev/null || true; wait "$slow_fuse" || true; }
	[ -z "$slow_kit" ] || { kill "$slow_kit" 2>/dev/null || true; wait "$slow_kit" || true; }
	slow_fuse='' slow_kit=''
}
