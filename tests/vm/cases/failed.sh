# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# An archive is damaged: boot goes on, ecs does not start, and everyone can see why. Repairing it
# needs no reboot. A bad line in the configuration is treated the same way.
boot_reached_login
check "prep failed" systemctl is-failed shared-prep.service
is "with the exit code of bad data" "$(exit_code shared-prep.service)" 7
like "its status says why" "$(systemctl status --no-pager --full shared-prep.service)" \
	'hello_x86_64\.tar\.zst'
fails "ecs did not start" systemctl is-active ecs.service
is "it never ran" "$(property ecs.service ExecMainStartTimestampMonotonic)" 0
like "its status says why" "$(systemctl status --no-pager --full ecs.service)" \
	'/run/shared-prep/ready'
fails "there is no ready mark" test -e /run/shared-prep/ready
check "/shared is mounted all the same" mountpoint -q /shared
is "nothing of the app is there" "$(find /shared -name 'hello*')" ""

rm /usr/local/data/hello_x86_64.tar.zst
check "without the archive prep works" systemctl restart shared-prep.service
check "and ecs starts" systemctl start ecs.service

mkdir -p /etc/shared-prep/conf.d
printf '[Shared]\nMinSize=64M\nSzie=1G\n' >/etc/shared-prep/conf.d/10-typo.conf
fails "a bad line stops prep" systemctl restart shared-prep.service
is "with the exit code of configuration" "$(exit_code shared-prep.service)" 3
like "its status has file and line" "$(systemctl status --no-pager --full shared-prep.service)" \
	'10-typo\.conf:3.*Szie'
fails "the ready mark is gone" test -e /run/shared-prep/ready
check "ecs is left running" systemctl is-active ecs.service
check "daemon-reload keeps the mount" systemctl daemon-reload
check "/shared is still mounted" mountpoint -q /shared
