# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Of tests/bake/run: the wipe of a machine that runs, whose services are stand-ins that write to the
# disk until they are told not to.

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
[ "$1" = --relinquish-var ] || exit 1
echo >/run/relinquished
echo journald >>/run/stopped
EOS
# Slow to end, and says so in its log.
cat >eight/usr/local/sbin/auditd <<'EOS'
#!/bin/sh
trap 'timeout 0.5 tail -f /dev/null; echo ended | tee -a /var/log/audit/audit.log >>/run/stopped; exit' TERM
echo $$ >/run/auditd.pid
while :; do timeout 0.05 tail -f /dev/null; done
EOS
cat >eight/usr/local/sbin/journald <<'EOS'
#!/bin/sh
d=/var/log/journal/0123456789abcdef0123456789abcdef
while [ ! -e /run/relinquished ]; do mkdir -p $d && echo line >>$d/system.journal; done
EOS
chmod 755 eight/usr/local/sbin/*
running='mkdir -p /run/systemd/system /var/log/audit
auditd &
journald &
until [ -s /run/auditd.pid ] && [ -s /var/log/journal/*/system.journal ]; do timeout 0.05 tail -f /dev/null; done'
in_root eight "$running
$wipe" "$wipe_check" 'cat /run/stopped' >running.out 2>&1
check "a machine that runs is wiped" same "$(sed 2q running.out)" $'exit 0\nexit 0'
stopped() { sed -n "/^$1$/=" running.out; }
check "a socket is stopped before its service" test "$(stopped syslog.socket)" -lt "$(stopped rsyslog)"
check "and that of docker" test "$(stopped docker.socket)" -lt "$(stopped docker)"
check "the audit's log is not written to any more" test "$(stopped ended)" -lt "$(stopped journald)"
check "timers are stopped" line running.out '^logrotate.timer$'
check "but not the one that ends the machine" no_line running.out '^shared-prep-lifetime'
