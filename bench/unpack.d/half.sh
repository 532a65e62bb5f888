# shellcheck shell=bash disable=SC2154 # globals of bench/unpack
# SPDX-License-Identifier: Apache-2.0
# Half a processor: a control group with a quota, of version 1 or 2, removed by half_remove.

group=
group_enabled= # where a controller had to be turned on for it

mount_of() # TYPE CONTROLLER: where such a hierarchy is mounted
{
	awk -v type="$1" -v want="$2" '{
		for (i = 7; $i != "-"; i++) {}
		if ($(i + 1) == type && ("," $(i + 3) ",") ~ "," want ",") { print $5; exit }
	}' /proc/self/mountinfo
}

half_make_v1()
{
	local top own
	top=$(mount_of cgroup cpu) && [ -n "$top" ] || return 1
	own=$(awk -F: '("," $2 ",") ~ /,cpu,/ { print $3 }' /proc/self/cgroup)
	[ -d "$top$own" ] && own=${own%/} || own=
	mkdir "$top$own/bench-unpack.$$" || return 1
	group=$top$own/bench-unpack.$$
	echo 100000 >"$group/cpu.cfs_period_us" && echo 50000 >"$group/cpu.cfs_quota_us"
}

half_make_v2()
{
	local top
	top=$(mount_of cgroup2 '.*') && [ -n "$top" ] || return 1
	grep -qw cpu "$top/cgroup.controllers" || return 1
	if ! grep -qw cpu "$top/cgroup.subtree_control"; then
		echo +cpu >"$top/cgroup.subtree_control" || return 1
		group_enabled=$top/cgroup.subtree_control
	fi
	mkdir "$top/bench-unpack.$$" || return 1
	group=$top/bench-unpack.$$
	echo '50000 100000' >"$group/cpu.max"
}

# A group competes as a whole: it takes the priority that processes in it cannot have.
half_weight()
{
	local weight
	weight=$(awk -v nice="$niceness" 'BEGIN { printf "%.0f", 1024 * 1.25 ^ -nice }')
	if [ -e "$group/cpu.shares" ]; then
		echo "$weight" >"$group/cpu.shares"
	else
		weight=$((weight * 100 / 1024))
		echo $((weight < 1 ? 1 : weight > 10000 ? 10000 : weight)) >"$group/cpu.weight"
	fi
}

half_make() { half_make_v1 2>/dev/null || half_make_v2 2>/dev/null && half_weight; }

half_remove()
{
	[ -z "$group" ] || rmdir "$group" || echo "bench: cannot remove '$group'" >&2
	group=
	[ -z "$group_enabled" ] || echo -cpu >"$group_enabled" || true
	group_enabled=
}
