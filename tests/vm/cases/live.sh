# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The packaged units on a running system: live re-size, daemon-reload, hardening.
mib() { echo $((${1} << 20)); }

max_size() # MIB: configures MaxSize= and restarts the unit
{
	mkdir -p /etc/shared-prep/conf.d
	printf '[Shared]\nMinSize=1M\nMaxSize=%sM\n' "$1" >/etc/shared-prep/conf.d/50-test.conf
	systemctl restart shared-prep.service
}

flags_are_safe() # TEXT
{
	like "$1: mount flags" ",$(mount_options)," ',rw,.*nosuid,.*nodev,'
	fails "$1: not read-only" grep -q ' /shared ro[, ]' /proc/1/mountinfo
}

flags_are_safe "after boot"
is "everybody may write to it once it is ready" "$(stat -c %a /shared)" 1777
max_size 96
is "the size goes down to a new MaxSize=" "$(mount_size)" "$(mib 96)"
max_size 160
is "it grows" "$(mount_size)" "$(mib 160)"
flags_are_safe "after a re-size"

dd if=/dev/zero of=/shared/use bs=1M count=120 status=none
systemctl daemon-reload
is "daemon-reload keeps the size" "$(mount_size)" "$(mib 160)"
like "and the unit says it" "$(systemctl cat shared.mount)" "size=$(mib 160)"
check "the mount may be reloaded" systemctl reload shared.mount
is "which keeps the size too" "$(mount_size)" "$(mib 160)"
flags_are_safe "after a reload"

status=0
max_size 100 || status=$?
diag "restart of the unit: exit $status"
is "no shrinking below what is in use" "$(mount_size)" "$(mib 160)"
is "the content stays" "$(stat -c %s /shared/use)" "$(mib 120)"
like "the log says why" "$(journalctl -b -q -o cat -u shared-prep.service)" 'in use'
rm /shared/use
systemctl reset-failed shared-prep.service
max_size 128
is "when it is free again, it shrinks" "$(mount_size)" "$(mib 128)"

exposure=$(systemd-analyze security --no-pager shared-prep.service |
	sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
at_least "the unit's exposure, in tenths, is at most 25" 25 "${exposure:-none}"
diag "exposure: ${exposure%?}.${exposure#"${exposure%?}"}"

# All that the package has, what the generator made, and a unit with our drop-in.
mapfile -t units < <(rpm -ql shared-prep |
	grep -E '/systemd/system/[^/@]*\.(service|slice|target|mount|path)$')
units+=("$(property shared.mount FragmentPath)" ecs.service)
is "systemd-analyze verify has nothing to say" "$(systemd-analyze verify --man=no "${units[@]}" 2>&1)" ""
diag "verified: ${units[*]##*/}"
