# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The mount itself fails: the machine still boots to a login, nothing starts on the bare directory.
boot_reached_login
check "the mount failed" systemctl is-failed shared.mount
fails "nothing is mounted" mountpoint -q /shared
check "prep failed" systemctl is-failed shared-prep.service
fails "ecs did not start" systemctl is-active ecs.service
fails "there is no ready mark" test -e /run/shared-prep/ready
check_exit 1 'Operation not permitted' "the directory beneath takes no files" touch /shared/file
check_exit 1 'Operation not permitted' "and no directories" mkdir /shared/directory

rm -r /etc/systemd/system/shared.mount.d
systemctl daemon-reload
check "once repaired it can be mounted" systemctl start shared.mount
check "and prepared" systemctl restart shared-prep.service
check "and ecs starts" systemctl start ecs.service
