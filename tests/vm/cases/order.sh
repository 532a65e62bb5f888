# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A good boot: what is before what, what the units see, and that early writers fail.
said() { journalctl -b -q -o cat -u "$1" | tr '\n' ' '; }

in_order "sealed, mounted, then docker" \
	"started shared-prep-seal.service" "started shared.mount" "starting docker.service"
in_order "mounted, prepared, ready, then ecs" \
	"started shared.mount" "starting shared-prep.service" "started shared-prep.service" \
	"starting ecs.service" "started ecs.service"
boot_reached_login

is "a task that writes between seal and mount fails" \
	"$(cat /run/early)" "mkdir: Operation not permitted, touch: Operation not permitted"
like "docker starts on the tmpfs" "$(said docker.service)" 'docker sees tmpfs'
like "ecs has the facts" "$(said ecs.service)" 'ecs sees c5n\.18xlarge'
like "ecs runs the app" "$(said ecs.service)" 'hello from /shared/hello'
like "the app's key is the archive's" "$(jq -r .apps.hello.key /run/shared-prep/facts.json)" x86_64
is "containers get the same facts" \
	"$(md5sum </shared/.shared-prep/facts.json)" "$(md5sum </run/shared-prep/facts.json)"

# The hardened unit unpacked as any owner with any mode.
tree=/shared/hello/modes
is "owner and mode of a file" "$(stat -c '%u:%g %a' $tree/file)" "12345:54321 604"
is "owner and mode of a directory" "$(stat -c '%u:%g %a' $tree/dir)" "23456:1 1731"
is "a file below a directory that only its owner enters" \
	"$(stat -c '%u:%g %a' $tree/closed/file)" "34567:34567 400"
is "setuid is dropped on a nosuid mount" "$(stat -c %a $tree/setuid)" 755

# Restarting prep must not restart what waited for it.
before=$(property ecs.service InvocationID)
check "prep can be restarted" systemctl restart shared-prep.service
is "ecs does not notice" "$(property ecs.service InvocationID)" "$before"
check "and is still active" systemctl is-active ecs.service
