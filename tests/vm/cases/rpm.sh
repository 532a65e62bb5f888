# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Install, upgrade, remove on a running system, by the real rpm; nothing is left behind.
conf=/var/lib/ecs/ecs.config
mkdir -p "${conf%/*}"
printf 'ECS_CLUSTER=mine\n' >"$conf"

# Everything on the root disk but what rpm, the journal and this test write.
listing()
{
	find / -xdev \( -path /var/lib/rpm -o -path /var/log -o -path /var/tmp -o -path /tmp \
		-o -path /install -o -path /root/.rpmdb -o -path /var/lib/systemd \) -prune \
		-o -printf '%p %y %m %U:%G %l\n' | sort
}

# Of the package filesystem, where rpm is at home.
mkdir -p /usr/share/licenses /usr/share/man/man5 /usr/share/man/man8
listing >/tmp/before
check "the package installs" rpm -i --nodeps /install/1.rpm
check "its files are as packaged" rpm -V --nodeps shared-prep
check "the unit is enabled" systemctl is-enabled shared-prep.service
fails "installing starts nothing" systemctl is-active shared-prep.service
fails "installing mounts nothing" mountpoint -q /shared
check "it starts without a reboot" systemctl start shared-prep.service
check "and mounts /shared" mountpoint -q /shared
like "and configures ecs" "$(cat "$conf")" ECS_RESERVED_MEMORY

touch /shared/kept
mount=$(findmnt -no ID --mountpoint /shared)
check "the package is upgraded" rpm -U --nodeps /install/2.rpm
is "there is one package now" "$(rpm -q shared-prep | wc -l)" 1
is "the mount is untouched" "$(findmnt -no ID --mountpoint /shared)" "$mount"
check "its content too" test -e /shared/kept
check "the unit stays active" systemctl is-active shared-prep.service
check "and enabled" systemctl is-enabled shared-prep.service
check "prep of the new package runs" systemctl restart shared-prep.service

check "the package is removed" rpm -e shared-prep
fails "nothing is mounted" mountpoint -q /shared
is "ecs.config is as it was" "$(cat "$conf")" ECS_CLUSTER=mine
is "no unit is left" "$(systemctl list-units --all --no-legend 'shared*')" ""
fails "nothing is left in /run" test -e /run/shared-prep
listing >/tmp/after
is "the root disk is as before" "$(diff /tmp/before /tmp/after)" ""
