/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts that take from a machine what is its own, that look whether something is left, and
 * that list what is there. The check does not follow the list of the wipe: it searches.
 *
 * What lies beneath mounts is seen through a second mount of the root file system, at $V, where one
 * can be made: an image has no /tmp in memory.
 */
#include "controller/image/bake_step.h"

#include "controller/machine/root_enter.h"

/* clang-format off */

#define BARE \
	"V=/run/shared-prep-bare\n" \
	"mkdir -p \"$V\"\n" \
	"if mount --bind / \"$V\" 2>/dev/null; then\n" \
	"	mount --make-private \"$V\"\n" \
	"	trap 'cd / && umount \"$V\" && rmdir \"$V\"' EXIT\n" \
	"else\n" \
	"	rmdir \"$V\"\n" \
	"	V=/\n" \
	"fi\n"

#define PRIVATE_KEY "'-----BEGIN [A-Z ]*PRIVATE KEY-----'"

/* Two fences: the marker names this run, and this is not where the controller itself is. */
#define FENCE \
	"refuse() { echo \"not wiped: $1\" >&2; exit 77; }\n" \
	"[ -n \"$RUN\" ] && [ \"$(cat \"$MARKER\" 2>/dev/null)\" = \"$RUN\" ] ||\n" \
	"	refuse \"$MARKER does not name this run: only a machine that was started to be baked is wiped\"\n" \
	"boot=$(cat /proc/sys/kernel/random/boot_id) root=$(stat -c %d:%i /)\n" \
	"[ \"$boot:$root\" != \"$HERE\" ] || refuse 'this is the root of the machine that the controller runs on'\n"

const char bake_wipe_script[] =
	FENCE
	BARE
	/* What would write again. */
	"if [ -d /run/systemd/system ]; then\n"
	"	stop() { for u; do systemctl stop \"$u\" </dev/null >/dev/null 2>&1 || :; done; }\n"
	/* Not our own, by which the machine ends if we do. */
	"	systemctl list-units --plain --no-legend --type=timer 2>/dev/null | while read -r u _; do\n"
	"		case $u in shared-prep-*) ;; *) stop \"$u\" ;; esac\n"
	"	done\n"
	"	stop apt-daily apt-daily-upgrade unattended-upgrades dnf-makecache packagekit ecs amazon-ssm-agent crond cron atd\n"
	/* A socket starts its service again. */
	"	stop docker.socket docker containerd syslog.socket rsyslog syslog-ng\n"
	/* It may not be stopped otherwise, and writes as it ends. */
	"	p=$(cat /run/auditd.pid 2>/dev/null || :)\n"
	"	if [ -n \"$p\" ] && kill \"$p\" 2>/dev/null; then timeout 30 tail --pid=\"$p\" -f /dev/null || :; fi\n"
	/* From here on it writes to memory. */
	"	journalctl --relinquish-var >/dev/null 2>&1 || :\n"
	"fi\n"
	"empty() { for d; do [ ! -d \"$d\" ] || find \"$d\" -xdev -mindepth 1 -delete; done; }\n"
	/* Keys of the host and of those who may log in */
	"rm -rf /etc/ssh/ssh_host_* /etc/ssh/authorized_keys*\n"
	"{ ls -d /root /home/* 2>/dev/null || :; awk -F: '$6 ~ \"^/(home|var|opt|srv)/.\" {print $6}' /etc/passwd; } |\n"
	"sort -u | while IFS= read -r h; do\n"
	"	cd \"$h\" 2>/dev/null || continue\n"
	"	rm -rf .ssh/authorized_keys* .ssh/known_hosts* .ssh/id_* .ssh/environment .shared-prep .cache\n"
	"	rm -f .*_history .history .lesshst .viminfo .wget-hsts .sudo_as_admin_successful\n"
	"	rm -rf .aws/credentials .aws/cli .aws/sso .aws/login .docker/config.json .dockercfg .config/containers/auth.json .ecr\n"
	"	rm -rf .netrc .git-credentials .config/gcloud .azure .kube\n"
	"	[ ! -d .ssh ] || grep -rlsIe " PRIVATE_KEY " .ssh | while IFS= read -r f; do rm -f \"$f\"; done\n"
	"done\n"
	"cd /\n"
	/* Who it is */
	"[ ! -e /etc/machine-id ] || : >/etc/machine-id\n"
	"if [ -f /var/lib/dbus/machine-id ]; then ln -sf /etc/machine-id /var/lib/dbus/machine-id; fi\n"
	"if grep -Eqsx '(ip-[0-9-]+|i-[0-9a-f]+)(\\..*)?' /etc/hostname; then echo localhost >/etc/hostname; fi\n"
	"if grep -Eqs '[[:space:]]ip-[0-9]+-[0-9-]+' /etc/hosts; then\n"
	"	sed -E '/[[:space:]]ip-[0-9]+-[0-9-]+/d' /etc/hosts >/etc/hosts.new\n"
	"	cat /etc/hosts.new >/etc/hosts\n"
	"	rm -f /etc/hosts.new\n"
	"fi\n"
	"rm -rf /var/lib/cloud/data /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem /var/lib/cloud/seed /var/lib/cloud/handlers\n"
	"rm -f /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init*\n"
	"rm -f /etc/udev/rules.d/[0-9][0-9]-persistent-*.rules\n"
	"empty /var/lib/amazon/ssm /var/lib/ecs/data\n"
	"rm -f /etc/docker/key.json /var/lib/docker/engine-id\n"
	"rm -f /var/lib/systemd/random-seed /var/lib/random-seed /var/lib/urandom/random-seed /var/lib/misc/random-seed\n"
	"rm -f /boot/loader/random-seed /boot/efi/loader/random-seed /efi/loader/random-seed /var/lib/systemd/credential.secret\n"
	"for d in /var/lib/dhcp /var/lib/dhclient /var/lib/dhcpcd /var/lib/NetworkManager; do\n"
	"	[ ! -d \"$d\" ] || find \"$d\" -xdev -type f \\( -name '*lease*' -o -name secret_key -o -name timestamps \\) -delete\n"
	"done\n"
	/* What it did */
	"empty /var/lib/sudo /var/db/sudo /var/crash /var/lib/systemd/coredump /var/lib/systemd/pstore /var/lib/apport/coredump\n"
	"for d in /var/mail /var/spool/mail; do [ ! -d \"$d/\" ] || find \"$d/\" -xdev -type f -delete; done\n"
	"empty /var/lib/apt/lists /var/cache/dnf /var/cache/yum /var/cache/libdnf5\n"
	"rm -f /var/cache/apt/*.bin /var/cache/apt/archives/*.deb\n"
	"empty /var/log/journal /var/log/sa /var/log/ecs /var/log/amazon/ssm\n"
	"find /var/log -xdev -type f \\( -name '*.gz' -o -name '*.[xz]z' -o -name '*.zst' -o -name '*.bz2' -o -name '*.old' \\\n"
	"	-o -name '*.[0-9]' -o -name '*-20[0-9][0-9][0-9][0-9][0-9][0-9]' \\) -delete\n"
	"find /var/log -xdev -type f -size +0 | while IFS= read -r f; do : >\"$f\"; done\n"
	/* Ours */
	"empty \"$V/tmp\" \"$V/var/tmp\"\n"
	"rm -rf \"$W\"\n"
	"rmdir \"${W%/*}\" 2>/dev/null || :\n"
	"if [ -s " ROOT_MADE " ]; then\n"
	"	while read -r f; do umount \"$f\" && rm -f \"$f\"; done <" ROOT_MADE "\n"
	"	: >" ROOT_MADE "\n"
	"fi\n"
	"sync\n";

const char bake_wipe_check_script[] =
	BARE
	"homes=$({ find /home -mindepth 1 -maxdepth 1 2>/dev/null; echo /root; cut -d: -f6 /etc/passwd; } |\n"
	"	grep -vxE '/|/(bin|sbin|dev|proc|sys|run|tmp|etc|var|usr)|/(bin|sbin|dev|proc|sys|run|usr)/.*|/nonexistent' | sort -u)\n"
	"kind() { sed \"s|^|$1: |\"; }\n"
	"in_homes() {\n"
	"	printf '%s\\n' \"$homes\" | while IFS= read -r h; do\n"
	"		[ ! -d \"$h\" ] || find \"$h\" -xdev \"$@\" -print\n"
	"	done\n"
	"}\n"
	"in_dirs() {\n"
	"	dirs=$1\n"
	"	shift\n"
	"	for d in $dirs; do [ ! -d \"$d/\" ] || find \"$d/\" -xdev -mindepth 1 \"$@\" -print; done\n"
	"}\n"
	"look() {\n"
	"	in_dirs /etc/ssh -name 'ssh_host_*' | kind host-key\n"
	"	{\n"
	"		printf '%s\\n' /etc/ssh \"$homes\"\n"
	"	} | while IFS= read -r h; do grep -rlsIe " PRIVATE_KEY " \"$h\" || :; done | kind private-key\n"
	"	{ in_homes -name '*authorized_keys*' ! -type d; in_dirs /etc/ssh -path '*authorized_keys*' ! -type d; } | kind authorized-keys\n"
	"	in_homes -name 'known_hosts*' | kind known-hosts\n"
	"	in_homes -type f \\( -name '.*history' -o -name .lesshst -o -name .viminfo \\) | kind history\n"
	"	in_homes -type f -size +0 \\( -name .netrc -o -name .git-credentials -o -path '*/.aws/*credentials*' -o -path '*/.aws/*/cache/*' \\\n"
	"		-o -path '*/.docker/config.json' -o -name .dockercfg -o -path '*/.ecr/*' -o -path '*/containers/auth.json' -o -path '*/.kube/*' \\) | kind credentials\n"
	"	in_homes -name .shared-prep | kind work-folder\n"
	"	for f in /etc/machine-id /var/lib/dbus/machine-id; do\n"
	"		[ ! -s \"$f\" ] || [ \"$(cat \"$f\")\" = uninitialized ] || echo \"machine-id: $f\"\n"
	"	done\n"
	"	! grep -Eqs '^(ip-[0-9-]+|i-[0-9a-f]+)' /etc/hostname || echo 'hostname: /etc/hostname'\n"
	"	! grep -Eqs '[[:space:]]ip-[0-9]+-[0-9-]+' /etc/hosts || echo 'hostname: /etc/hosts'\n"
	"	in_dirs '/var/lib/cloud/seed' | kind cloud-seed\n"
	"	in_dirs /var/lib/cloud ! -type d ! -path '*/seed/*' ! -path '*/scripts/*' | kind cloud-init\n"
	"	in_dirs '/var/log /run/log' -name '*.journal*' -path '/var/*' | kind journal\n"
	"	in_dirs /var/log -type f ! -name '*.journal*' -size +0 | kind log\n"
	"	in_dirs /var/lib/ecs/data | kind ecs\n"
	"	in_dirs '/etc/docker /var/lib/docker' -maxdepth 1 \\( -name key.json -o -name engine-id \\) | kind docker\n"
	"	in_dirs '/var/lib /boot /efi' -maxdepth 4 -name '*random-seed' -type f | kind random-seed\n"
	"	in_dirs /var/lib ! -path '/var/lib/dpkg/*' ! -path '/var/lib/docker/*' ! -path '/var/lib/containers/*' ! -path '/var/lib/containerd/*' \\\n"
	"		-type f \\( -name '*.lease' -o -name '*.leases' -o -name 'dhclient*.lease*' -o -path '*/NetworkManager/secret_key' \\) | kind lease\n"
	"	in_dirs /etc/udev/rules.d -name '*persistent-net*' | kind udev-rule\n"
	"	in_dirs /var/lib/amazon/ssm | kind ssm\n"
	"	in_dirs '/var/lib/sudo /var/db/sudo' | kind sudo\n"
	"	in_dirs '/var/mail /var/spool/mail' -type f -size +0 | kind mail\n"
	"	in_dirs '/var/crash /var/lib/systemd/coredump /var/lib/systemd/pstore' | kind crash\n"
	"	in_dirs '/var/lib/apt/lists /var/cache/apt/archives /var/cache/dnf /var/cache/yum /var/cache/libdnf5' -type f -size +0 | kind package-cache\n"
	"	in_dirs \"$V/tmp $V/var/tmp\" | sed \"s|^$V||\" | kind temporary\n"
	"}\n"
	"left=$(look | tr -s / | sort -u)\n"
	"[ -n \"$left\" ] || exit 0\n"
	"printf '%s\\n' \"$left\"\n"
	"echo \"$(printf '%s\\n' \"$left\" | grep -c .) things of this machine are left, the first is $(printf '%s\\n' \"$left\" | head -n 1)\" >&2\n"
	"exit 1\n";

/* As image_manifest_read() takes it. In /etc/shadow is the day on which a user was made. */
const char bake_list_script[] =
	BARE
	"cd \"$V\"\n"
	"set -f\n"
	"set --\n"
	"for x in $EXCLUDED; do set -- \"$@\" -path \"./$x\" -prune -o; done\n"
	"find . -xdev \"$@\" -printf '%y %m %U %G %s\\0%P\\0%l\\0'\n"
	"printf '\\0'\n"
	"find . -xdev \"$@\" -type f ! -path ./etc/shadow ! -path ./etc/shadow- -print0 | xargs -0 -r sha256sum\n"
	"for f in etc/shadow etc/shadow-; do\n"
	"	[ ! -f \"$f\" ] || echo \"$(awk -F: -v OFS=: '{$3 = \"\"; print}' \"$f\" | sha256sum | cut -d' ' -f1)  ./$f\"\n"
	"done\n"
	"echo\n"
	"(. /etc/os-release && echo \"os $ID ${VERSION_ID:-rolling} -\")\n"
	"if command -v dpkg-query >/dev/null; then\n"
	"	dpkg-query -W -f '${db:Status-Status} dpkg ${Package} ${Version} ${Architecture}\\n' | sed -n 's/^installed //p'\n"
	"fi\n"
	"if command -v rpm >/dev/null; then\n"
	"	rpm -qa --qf 'rpm %{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\\n' 2>/dev/null\n"
	"fi\n"
	"echo end\n";
/* clang-format on */
