# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One archive comes with other bytes than the script was made for. ECS waits for nothing here, and
# is up before cloud-init runs the script.
log=/var/log/cloud-init-output.log
gate=/etc/systemd/system/ecs.service.d/10-shared-prep.conf
complaints() { grep '^shared-prep userdata: .*no task is taken' "$log"; }

check "cloud-init ends" wait_for 240 test -e /run/cloud-init/result.json
like "it counts the script as failed" "$(jq -c .v1.errors /run/cloud-init/result.json)" scripts.user
is "one line of its log says so" "$(complaints | wc -l)" 1
like "with the archive and the digest that it has" "$(complaints)" \
	"tool_c5n\.tar\.zst' is not the file .* SHA-256 is [0-9a-f]{64}, not"
fails "there is no ready mark" test -e /run/shared-prep/ready
fails "shared-prep is not active" systemctl is-active shared-prep.service
is "nothing that was fetched is kept" "$(find /usr/local/data -name '*.zst' -o -name '.userdata')" ""
fails "ecs is not active any more" systemctl is-active ecs.service

# As a later boot does.
check "what is there, which is nothing, can be prepared" systemctl start shared-prep.service
fails "but ecs does not start" systemctl start ecs.service
check "as the script has not succeeded" test -e "$gate"

again=$(complaints | sed 's/.*put right: //')
like "the line says how to go on" "$again" '^bash /var/lib/cloud/instance/scripts/'
check "the same command, with a server that is right" bash -c "$again"
is "prepares it" "$(/shared/tool/bin/tool)" "tool for c5n"
check "and ecs starts" wait_for 30 systemctl is-active ecs.service
fails "with nothing left in its way" test -e "$gate"
