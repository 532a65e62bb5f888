# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# /shared cannot bring the machine down however it is filled: with the jobs part of the reserve in
# use by one process, it is filled to refusal by each kind of thing, and everything else lives on.
fill=/usr/lib/vm/fill
kinds='file bytes empty directories symlinks names links xattrs'

plan=$(shared-prep plan --json) || plan='{}'
term() { jq -r "$1" <<<"$plan"; }
diag "$(jq -c 'del(.terms)' <<<"$plan")"

jobs_mib=$(($(nproc) * 175))
total_mib=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
if [ "$((total_mib - jobs_mib))" -ge 512 ]; then
	is "with $total_mib MiB and $(nproc) processors there is room" "$(term .fits)" true
fi
if [ "$(term .fits)" != true ]; then
	is "prepare exits 4 where /shared would be too small" \
		"$(exit_code shared-prep.service)" 4
	fails "nothing is mounted" mountpoint -q /shared
	check_exit 4 MinSize "by hand it says why" shared-prep prepare
	fails "nothing is mounted by hand either" mountpoint -q /shared
	boot_reached_login
	exit
fi

check "the boot prepared /shared" systemctl is-active shared-prep.service
check "/shared is a tmpfs" findmnt -t tmpfs --mountpoint /shared
size=$(mount_size)
room=$(term '.mem_total_bytes - .reserve.system_bytes - .reserve.jobs_bytes')
diag "size is $((size * 100 / room)) % of what the reserve leaves"
# 4 GiB less what firmware and kernel keep of it.
if [ "$(term .mem_total_bytes)" -ge $((3840 << 20)) ]; then
	at_least "size is at least 88 % of memory less reserve" "$size" $((room * 88 / 100))
fi

# A coprocess ends when this shell does: its input is then closed.
coproc HOLD { exec "$fill" hold "$jobs_mib"; }
holder=$HOLD_PID
read -rt 60 answer <&"${HOLD[0]}" || answer=nothing
is "the jobs part of the reserve, $jobs_mib MiB, is held" "$answer" ready

kernel_is() { printf '%s\n' "$1" "$(uname -r)" | sort -CV; } # VERSION: or newer
oom_kills() { awk '$1 == "oom_kill" { print $2 }' /proc/vmstat; }
kills=$(oom_kills)
journald=$(property systemd-journald.service MainPID)

for kind in $kinds; do
	status=0
	said=$("$fill" "$kind" /shared/fill) || status=$?
	diag "$said; $(free -m | awk '/^Mem:/ { print $7 " MiB available" }')"
	if [ "$kind" = xattrs ] && ! kernel_is 6.6; then
		is "$kind: this kernel has none on tmpfs" "$status" 77
	else
		is "$kind: filled to refusal, which is ENOSPC" "$status ${said##*=}" "0 ENOSPC"
		check "$kind: a new process starts" /bin/true
		check "$kind: a new unit starts" systemd-run --quiet --wait /bin/true
		is "$kind: no OOM kill" "$(oom_kills)" "$kills"
		is "$kind: journald is the same" \
			"$(property systemd-journald.service MainPID)" "$journald"
		check "$kind: journald answers" journalctl --sync
		check "$kind: the holder lives" kill -0 "$holder"
	fi
	rm -rf /shared/fill
done
