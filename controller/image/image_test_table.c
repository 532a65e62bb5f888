/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/image/image_test.h"

#define MINUTE (60 * NSEC_PER_SEC)

/* What the agent prints as JSON has a member a line. Where the init is none of systemd, what asks
 * it is left out. */
const char image_check_start[] =
	"set -u\n"
	"export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	"facts=/run/shared-prep/facts.json\n"
	"fail() { echo \"$*\"; exit 1; }\n"
	"managed() { [ -d /run/systemd/system ]; }\n"
	"member() { sed -n \"s/^ *\\\"$1\\\": \\\"*\\([^\\\",]*\\)\\\"*,*\\$/\\1/p\" | head -n 1; }\n"
	"told() { journalctl -b -q -o cat -u \"$1\" | tail -n 1; }\n"
	"plan=/run/shared-prep-plan.json\n" /* of the check "archive" */
	"chosen() { awk -F'\"' '\n"
	"	/^ *\"file\":/ { file = $4 }\n"
	"	/^ *\"app\":/ { app = $4 }\n"
	"	/^ *\"key\":/ { key = $4 }\n"
	"	/^ *\"chosen\": true/ { print file, app, key }' $plan; }\n"
	"data=$(cat /usr/lib/shared-prep/shared-prep.conf /etc/shared-prep/shared-prep.conf \\\n"
	"	/etc/shared-prep/conf.d/*.conf 2>/dev/null | sed -n 's/^Data=//p' | tail -n 1)\n"
	"data=${data:-/usr/local/data}\n";

/* clang-format off */
const struct image_check image_checks[] = {
	{"boot",
		"managed || { echo 'no systemd here'; exit 0; }\n"
		"while :; do\n"
		"	state=$(systemctl is-system-running 2>/dev/null)\n"
		"	case $state in initializing | starting | '') sleep 0.5 ;; *) break ;; esac\n"
		"done\n"
		"systemctl -q is-active multi-user.target || fail \"multi-user.target is not reached: $state\"\n"
		/* Which units of the image have failed is said, and is no reason to refuse it. */
		"failed=$(echo $(systemctl list-units --failed --no-legend --plain | sed 's/ .*//'))\n"
		"echo \"$state${failed:+ ($failed)}, $(uname -r)\"\n",
		"the system does not come up", 10 * MINUTE},

	{"archive",
		"command -v shared-prep >/dev/null || fail 'there is no shared-prep'\n"
		"said=$(shared-prep plan --json 2>&1 >$plan) || fail \"$said\"\n"
		"n=0\n"
		"for f in $(chosen | cut -d' ' -f1); do\n"
		"	said=$(shared-prep verify -q \"$data/$f\" 2>&1) || fail \"$said\"\n"
		"	n=$((n + 1))\n"
		"done\n"
		"echo \"$n in $data\"\n",
		"the agent, or an archive that it would take, is not whole", 30 * MINUTE},

	{"units",
		"managed || { echo 'no systemd here'; exit 0; }\n"
		"for u in $(sed -n 's/^enable //p' /usr/lib/systemd/system-preset/90-shared-prep.preset); do\n"
		"	is=$(systemctl is-enabled \"$u\" 2>/dev/null)\n"
		"	case $is in enabled | static) ;; *) fail \"$u is ${is:-not there}\" ;; esac\n"
		"done\n"
		"for u in $(systemctl list-units --failed --no-legend 'shared*' | sed 's/^[^a-z]*//; s/ .*//'); do\n"
		"	fail \"$u has failed: $(told \"$u\")\"\n"
		"done\n"
		"systemctl -q is-active shared.mount || fail 'shared.mount is not active'\n"
		"echo 'enabled, none has failed'\n",
		"a unit of the agent is not enabled, or has failed", 2 * MINUTE},

	{"ready",
		"until [ -e /run/shared-prep/ready ]; do\n"
		"	! managed || ! systemctl -q is-failed shared-prep.service ||\n"
		"		fail \"shared-prep.service has failed: $(told shared-prep.service)\"\n"
		"	sleep 0.5\n"
		"done\n"
		"said=$(shared-prep status 2>&1) || fail \"$said\"\n"
		"echo \"$(member instance_type <$facts), $(member march <$facts)\"\n",
		"the agent has not prepared the machine", 5 * MINUTE},

	{"mount",
		"path=$(member path <$facts)\n"
		"set -- $(stat -f -c '%S %b %c' \"$path\")\n"
		"size=$(($1 * $2))\n"
		"line=$(awk -v p=\"$path\" '$2 == p && $3 == \"tmpfs\" { l = $4 } END { print l }' /proc/mounts)\n"
		"[ -n \"$line\" ] || fail \"$path is no tmpfs\"\n"
		"for o in nosuid nodev; do\n"
		"	case ,$line, in *,$o,*) ;; *) fail \"$path lacks the option $o: $line\" ;; esac\n"
		"done\n"
		"mode=$(stat -c '%a %u' \"$path\")\n"
		"[ \"$mode\" = '1777 0' ] || fail \"mode and owner of $path are $mode instead of 1777 0\"\n"
		"differs() { [ $(($1 - $2)) -gt 4096 ] || [ $(($2 - $1)) -gt 4096 ]; }\n"
		"want=$(member size_bytes <$facts)\n"
		"! differs \"$size\" \"$want\" || fail \"$path has $size bytes, $facts says $want\"\n"
		"inodes=$(member nr_inodes <$facts)\n"
		"[ \"$3\" = \"$inodes\" ] || fail \"$path has $3 inodes, $facts says $inodes\"\n"
		"want=$(member size_bytes <$plan)\n"
		/* Else it is by what is available just now. */
		"if [ \"$(member bound <$plan)\" = memory ] && differs \"$size\" \"$want\"; then\n"
		"	fail \"$path has $size bytes, the plan is $want\"\n"
		"fi\n"
		"echo \"$path, $size bytes, $3 inodes\"\n",
		"the shared tmpfs is not as planned", 2 * MINUTE},

	{"apps",
		"path=$(member path <$facts)\n"
		"n=0\n"
		"while read -r file app key; do\n"
		"	[ -n \"$file\" ] || continue\n"
		"	link=$(readlink \"$path/$app\") || fail \"$path/$app is no link\"\n"
		"	top=${app}_$key\n"
		"	[ -n \"$key\" ] && [ \"$key\" != null ] || top=$app\n"
		"	[ \"$link\" = \"$top\" ] || fail \"$path/$app leads to $link instead of $top\"\n"
		"	[ -n \"$(ls -A \"$path/$top\")\" ] || fail \"$path/$top is empty\"\n"
		"	want=$(shared-prep verify -q --json \"$data/$file\" | member digest)\n"
		"	[ -z \"$want\" ] || grep -q \"\\\"$want\\\"\" $facts || fail \"$app is not unpacked from $file: its digest $want is not in $facts\"\n"
		"	n=$((n + 1))\n"
		"done <<-E\n"
		"	$(chosen)\n"
		"E\n"
		"echo \"$n unpacked\"\n",
		"an app is not there as it was packed", 30 * MINUTE},

	{"job",
		"path=$(member path <$facts)\n"
		"submit() {\n"
		"	\"$@\" \"$path/bin/shared-prep\" submit --wait --name image-test -- /bin/sh -c 'echo \"$JOB_ID ran\"' 2>&1\n"
		"}\n"
		"ends() {\n"
		"	id=${said% ran}\n"
		"	[ \"$id\" != \"$said\" ] || fail \"the job of $1 said: $said\"\n"
		"	until [ -e \"$path/jobs/done/$id/result.json\" ]; do sleep 0.2; done\n"
		"	grep -q '\"state\": *\"done\"' \"$path/jobs/done/$id/result.json\" || fail \"the result of $1's job is not 'done'\"\n"
		"}\n"
		"said=$(submit) || fail \"the job of root failed: $said\"\n"
		"said=$(echo \"$said\" | tail -n 1)\n"
		"ends root\n"
		"command -v setpriv >/dev/null || { echo 'as root; setpriv is missing'; exit 0; }\n"
		"said=$(submit setpriv --reuid=65534 --regid=65534 --clear-groups) || fail \"the job of a user failed: $said\"\n"
		"said=$(echo \"$said\" | tail -n 1)\n"
		"ends nobody\n"
		"echo 'as root and as a user'\n",
		"a job does not run", 3 * MINUTE},

	{"ecs",
		"managed && systemctl cat ecs.service >/dev/null 2>&1 || { echo 'there is no ecs.service'; exit 0; }\n"
		"for p in Wants After; do\n"
		"	systemctl show -p $p ecs.service | grep -qw shared-prep.service || fail \"$p= of ecs.service lacks shared-prep.service\"\n"
		"done\n"
		"systemctl cat ecs.service | grep -qx 'AssertPathExists=/run/shared-prep/ready' || fail 'ecs.service does not assert that the machine is ready'\n"
		"echo 'waits for the agent'\n",
		"tasks may start before the machine is ready", 2 * MINUTE},

	{"wiped",
		"boot=$(sed -n 's/^btime //p' /proc/stat)\n"
		"for f in /etc/machine-id /etc/ssh/ssh_host_*_key /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do\n"
		"	[ -s \"$f\" ] || continue\n"
		"	[ \"$(stat -c %Y \"$f\")\" -ge $((boot - 1)) ] || fail \"$f is older than this boot: every machine would have it\"\n"
		"done\n"
		"echo 'no identity of another machine'\n",
		"the image was not wiped", 2 * MINUTE},

	{"check", NULL, "the script check= of [image] failed", 60 * MINUTE},
};
/* clang-format on */

const size_t n_image_checks = ARRAY_LEN(image_checks);
_Static_assert(ARRAY_LEN(image_checks) <= IMAGE_TEST_MAX, "results have room for all");
