# shellcheck shell=bash disable=SC2154 # globals of bench/unpack
# SPDX-License-Identifier: Apache-2.0
# The commands of bench/unpack, a command in a fresh tmpfs, and whether what it left is right.
# A command is TOOL:KIND: one of the tools below on the archive CORPUS.KIND.

# shellcheck disable=SC2034 # for bench/unpack
{
	peers=(tar:xz tar:xzblocks xz-T0:xzblocks pixz:pixz tar:zst3 tar:zst19 pzstd:pzstd bsdtar:zst3
		unsquashfs:squashfs fsck.erofs:erofs)
	ours=(ours:own19 ours:own3 ours:xz ours:xzblocks ours:zst3)
	limits=(decode:own19 decode:own3 write:-)
	cpus_commands=(tar:zst3 ours:own19 ours:own3 ours:zst3)
	slow_commands=({tar,ours}:{own19,xz,zst3})
}

# Sets words to the command line; a tar is given a folder that is there already.
command_words() # TOOL ARCHIVE CORPUS FOLDER
{
	local archive=$2 corpus=$3 folder=$4 untar=(tar -xf - -C "$4")
	case $1 in
	tar) words=(tar -xf "$archive" -C "$folder") ;;
	xz-T0) words=(xz -T0 -dc "$archive" '|' "${untar[@]}") ;;
	pixz) words=(pixz -d -i "$archive" '|' "${untar[@]}") ;;
	pzstd) words=(pzstd -q -dc "$archive" '|' "${untar[@]}") ;;
	bsdtar) words=(bsdtar -xf "$archive" -C "$folder") ;;
	unsquashfs) words=(unsquashfs -q -n -f -d "$folder" "$archive") ;;
	fsck.erofs) words=(fsck.erofs --extract="$folder" --overwrite "$archive") ;;
	ours) words=("$agent" unpack --quiet "$archive" "$folder") ;;
	decode) words=("$work/limit" decode "$threads" "$archive") ;;
	write) words=("$work/limit" write "$threads" "$corpora/$corpus" "$folder") ;;
	esac
}

# As the agent mounts it: huge pages and no swap, where the kernel has them.
tmpfs_options_find()
{
	local try
	for try in ',huge=within_size,noswap' ',huge=within_size' ''; do
		tmpfs_options=size=4G,mode=0755,nosuid,nodev$try
		mount -t tmpfs -o "$tmpfs_options" bench "$work/mnt" 2>/dev/null && break
	done
	umount "$work/mnt"
}

fresh_tmpfs()
{
	tmpfs_leave
	mount -t tmpfs -o "$tmpfs_options" bench "$work/mnt"
	mkdir "$work/mnt/out"
}

tmpfs_leave() { ! mountpoint -q "$work/mnt" || umount "$work/mnt"; }

# The processors that a run of this shape may use: all, one, or half the time of one.
shaped() # SHAPE COMMAND...
{
	local shape=$1
	shift
	case $shape in
	1) exec taskset -c "${cpus%%,*}" "$@" ;;
	half) echo "$BASHPID" >"$group/cgroup.procs" && exec taskset -c "$cpus" "$@" ;;
	*) exec taskset -c "$cpus" "$@" ;;
	esac
}

# Prints microseconds, those of processor time, and peak KiB.
run_once() # SHAPE CORPUS COMMAND [ARCHIVE]
{
	local tool=${3%:*} kind=${3#*:} words
	command_words "$tool" "${4:-$archives/$2.$kind}" "$2" "$work/mnt/out"
	fresh_tmpfs
	"$work/warm" 1024
	case $tool in
	decode | write) (shaped "$1" "${words[@]}") ;;
	*) (shaped "$1" "$work/measure" 900 "${words[@]}") ;;
	esac
}

record() { (IFS=$'\t' && echo "$*" >>"$results"); }

run_recorded() # SHAPE CORPUS COMMAND [ARCHIVE]
{
	local line
	line=$(run_once "$@" 2>"$work/log") ||
		{ printf 'bench: %s of %s failed\n' "$3" "$2" >&2; tail -n 5 "$work/log" >&2; return 1; }
	# shellcheck disable=SC2086 # three numbers
	record run "$1" "$2" "$3" $line
	tmpfs_leave
}

# Everything an unpacker has to get right. How often a file is linked is left out: not all peers
# know hard links.
tree_manifest() # FOLDER
{
	(
		cd "$1" || exit
		find . -mindepth 1 -printf '%P\t%y\t%m\t%U:%G\t%T@\t%l\n' | LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
	)
}

# Unpacks once in this run with each command and compares; that also puts the archives into the page cache.
check_trees() # CORPUS COMMAND...
{
	local corpus=$1 command folder result
	shift
	tree_manifest "$corpora/$corpus" >"$work/want"
	for command; do
		! grep -qF "tree"$'\t'"$corpus"$'\t'"$command"$'\t' "$results" || continue
		say "$corpus: is what $command leaves right?"
		run_once 2 "$corpus" "$command" >/dev/null 2>"$work/log" ||
			{ printf 'bench: %s of %s failed\n' "$command" "$corpus" >&2; cat "$work/log" >&2; return 1; }
		folder=$work/mnt/out
		case $command in *:own*) folder+=/${corpus}_any ;; esac
		tree_manifest "$folder" >"$work/got"
		result=right
		if ! cmp -s "$work/want" "$work/got"; then
			diff "$work/want" "$work/got" >"$work/differs.$corpus.$command" || true
			result=$(grep -c '^[<>]' "$work/differs.$corpus.$command")
			say "  $result lines of its manifest differ: see $work/differs.$corpus.$command"
		fi
		record tree "$corpus" "$command" "$result"
		tmpfs_leave
	done
}
