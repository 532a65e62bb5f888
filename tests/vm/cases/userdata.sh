# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# cloud-init takes the script of `controller userdata` from the metadata service and runs it as the
# machine boots for the first time; ECS is ordered as on Amazon Linux. The next boot is without the
# server that archives came from.
log=/var/log/cloud-init-output.log
asked() { curl -fsS https://169.254.169.2/requests | grep -v ' /requests$' | cut -d/ -f2 | sort | xargs; }
job() { shared-prep submit --wait -- /bin/sh -c '/shared/tool/bin/tool; /shared/other/bin/other'; }

if [ "$boot" = 1 ]; then
	check "cloud-init ends" wait_for 60 test -e /run/cloud-init/result.json
	is "it asked EC2, and nothing failed" \
		"$(jq -r '.v1 | "\(.datasource) \(.errors)"' /run/cloud-init/result.json)" "DataSourceEc2Local []"
	is "archives for the type and for the processor were fetched, and no other" "$(asked)" \
		"agent.rpm other_x86-64-v3.tar.zst tool_c5n.tar.zst"
	is "they are kept" "$(find /usr/local/data -name '*.zst' -printf '%f\n' | sort | xargs)" \
		"other_x86-64-v3.tar.zst tool_c5n.tar.zst"
	in_order "the script runs, /shared is prepared, then ecs" "starting cloud-final.service" \
		"started shared.mount" "started shared-prep.service" "started cloud-final.service" \
		"starting ecs.service" "started ecs.service"
	fails "nothing of its own is left in the way of ecs" \
		test -e /etc/systemd/system/ecs.service.d/10-shared-prep.conf
else
	is "the script is not run again" "$(grep -c 'shared-prep userdata: done' "$log")" 1
	fails "there is no server any more" asked
	in_order "/shared is prepared, then ecs" "started shared.mount" "started shared-prep.service" \
		"starting ecs.service" "started ecs.service"
fi
check "shared-prep is active" systemctl is-active shared-prep.service
check "/shared is a tmpfs" findmnt -t tmpfs --mountpoint /shared
check "ecs is active" systemctl is-active ecs.service
like "it has the facts" "$(journalctl -b -q -o cat -u ecs.service)" 'ecs sees c5n\.18xlarge'
is "a job runs what was unpacked" "$(job | xargs)" "tool for c5n other for x86-64-v3"
diag "boot $boot: $(systemd-analyze time | head -n 1)"
[ "$boot" = 2 ] || again
