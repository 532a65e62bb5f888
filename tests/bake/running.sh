# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Of tests/bake/run: a machine that runs, and its wipe. The journal's daemon is the real one, with a
# program that writes there all the time; systemctl, cloud-init and auditd are stand-ins.

root eight
cat >eight/usr/local/sbin/systemctl <<'EOS'
#!/bin/sh
case $1 in
list-units) printf '%s loaded active waiting x\n' logrotate.timer shared-prep-lifetime.timer ;;
stop) echo "$2" >>/run/stopped ;;
esac
EOS
cat >eight/usr/local/sbin/journalctl <<'EOS'
#!/bin/sh
[ "$1" != --relinquish-var ] || echo journald >>/run/stopped
exec /usr/bin/journalctl "$@"
EOS
cat >eight/usr/local/sbin/cloud-init <<'EOS'
#!/bin/sh
[ "$*" != 'status --wait' ] || echo cloud-init >>/run/stopped
EOS
# Slow to end, and says so in its log.
cat >eight/usr/local/sbin/auditd <<'EOS'
#!/bin/sh
trap 'timeout 0.5 tail -f /dev/null; echo ended | tee -a /var/log/audit/audit.log >>/run/stopped; exit' TERM
echo $$ >/run/auditd.pid
while :; do timeout 0.05 tail -f /dev/null; done
EOS
chmod 755 eight/usr/local/sbin/*
start='mkdir -p /run/systemd/system /run/systemd/journal /var/log/journal /var/log/audit
mount -t cgroup2 none /sys/fs/cgroup
/lib/systemd/systemd-journald 2>/dev/null &
until journalctl --flush 2>/dev/null && [ -s /var/log/journal/*/system.journal ]; do timeout 0.05 tail -f /dev/null; done
while :; do echo line | systemd-cat; timeout 0.05 tail -f /dev/null; done &
auditd &
until [ -s /run/auditd.pid ]; do timeout 0.05 tail -f /dev/null; done'
in_root eight 'mkdir -p /run/systemd/system' "$(step ecs-stop)" 'mv /run/stopped /run/first' "$start
($wipe)
echo \"wiped \$?\"
echo later | systemd-cat
/usr/bin/journalctl --sync
cat /run/log/journal/*/system.journal | tr -d '\\0' | grep -ao later" "$wipe_check" 'cat /run/stopped' 'cat /run/first' >running.out 2>running.err
check "a machine that runs is wiped" line running.out '^wiped 0$'
check "the journal goes on in memory" same "$(sed -n '/^later$/,/^exit/p' running.out | tr '\n' ' ')" "later exit 0 "
check "nothing is left there" same "$(grep -c '^exit 0$' running.out)$(cat running.err)" 7
stopped() { sed -n "/^$1$/=" running.out; }
check "a socket is stopped before its service" test "$(stopped syslog.socket)" -lt "$(stopped rsyslog)"
check "and that of docker" test "$(stopped docker.socket)" -lt "$(stopped docker)"
check "the audit's log is not written to any more" test "$(stopped ended)" -lt "$(stopped journald)"
check "before all else the end of cloud-init is waited for" same "$(sed -n '/^cloud-init$/,$p' running.out | tr '\n' ' ')" "cloud-init ecs.service exit 0 "
check "timers are stopped" line running.out '^logrotate.timer$'
check "but not the one that ends the machine" no_line running.out '^shared-prep-lifetime'
