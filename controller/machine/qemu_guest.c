/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/qemu_guest.h"

#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FOLDER "/etc/shared-prep-test"
#define UNITS  "/etc/systemd/system"
#define UNIT   "shared-prep-test.service"

/* There is no network: they would wait for one until they give up, after two minutes or one. */
static const char *const waiting[] = {
	"systemd-networkd-wait-online.service", "NetworkManager-wait-online.service"};

/* Early, and also where the boot ends in emergency.target: so that checks can tell what failed. */
static const char unit[] =
	"[Unit]\n"
	"Description=Runs the checks of an image, in a copy of it\n"
	"DefaultDependencies=no\n"
	"IgnoreOnIsolate=yes\n"
	"After=systemd-remount-fs.service systemd-udevd.service systemd-udev-trigger.service\n"
	"\n"
	"[Service]\n"
	"ExecStart=/bin/sh " FOLDER "/serve\n"
	"Restart=always\n"
	"RestartSec=1\n";

/*
 * The main shell reads lines; a command is this script again, in a session of its own, that is
 * killed when nobody listens any more: a read then ends at once. Lines are short, so that each is
 * one write. A port can be opened once, so descriptor 3 is handed on.
 */
static const char serve[] =
	"#!/bin/sh\n"
	"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	"umask 022\n"
	"dir=/run/shared-prep-test\n"
	"say() { base64 -w 3000 | sed -u \"s/^/$token $1 /\" >&3; }\n"
	"\n"
	"if [ \"${1-}\" = command ]; then\n"
	"	token=$2\n"
	"	rm -f $dir/out $dir/err\n"
	"	mkfifo $dir/out $dir/err\n"
	"	say out <$dir/out &\n"
	"	out=$!\n"
	"	say err <$dir/err &\n"
	"	err=$!\n"
	"	cd /root || cd /\n"
	"	env -i PATH=\"$PATH\" HOME=/root sh -c \"$(cat $dir/sh)\" >$dir/out 2>$dir/err 3>&-\n"
	"	code=$?\n"
	"	wait $out $err\n"
	"	echo \"$token end $code\" >&3\n"
	"	exit\n"
	"fi\n"
	"\n"
	"mkdir -p -m 700 $dir\n"
	"modprobe -q virtio_console 2>/dev/null\n"
	"port=\n"
	"until [ -c \"$port\" ]; do\n"
	"	for f in /sys/class/virtio-ports/*/name; do\n"
	"		[ -e \"$f\" ] && [ \"$(cat \"$f\")\" = " QEMU_GUEST_PORT " ] || continue\n"
	"		port=${f%/name}\n"
	"		port=/dev/${port##*/}\n"
	"	done\n"
	"	[ -c \"$port\" ] || sleep 0.2\n"
	"done\n"
	"exec 3<>\"$port\"\n"
	"\n"
	"token= group=\n"
	"begin() {\n"
	"	[ -z \"$group\" ] || kill -9 -- -$group 2>/dev/null\n"
	"	token=$1 group=\n"
	"	: >$dir/in\n"
	"	: >$dir/sh\n"
	"}\n"
	"while :; do\n"
	"	if ! read -r t verb data <&3; then\n"
	"		[ -z \"$token\" ] || begin ''\n"
	"		sleep 0.1\n"
	"		continue\n"
	"	fi\n"
	"	[ \"$t\" = \"$token\" ] || begin \"$t\"\n"
	"	case $verb in\n"
	"	in | sh) printf %s \"$data\" | base64 -d >>$dir/$verb ;;\n"
	"	run)\n"
	"		setsid sh \"$0\" command \"$t\" <$dir/in &\n"
	"		group=$!\n"
	"		;;\n"
	"	esac\n"
	"done\n";

static int write_file(int rootfd, const char *path, const char *text, struct err *e)
{
	return fs_write_atomic(rootfd, path, 0644, text, strlen(text), e);
}

static int link_unit(
	int rootfd, const char *folder, const char *to, const char *name, struct err *e)
{
	auto_close int dirfd = -1;
	int rc = fs_open(rootfd, folder, O_RDONLY | O_DIRECTORY, 0, &dirfd, e);

	if (rc == 0 && symlinkat(to, dirfd, name) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make '%s/%s'", folder, name);
	return rc;
}

int qemu_guest_add(const char *root, struct err *e)
{
	const char *wanted = UNITS "/sysinit.target.wants";
	auto_close int rootfd = -1;
	int rc = fs_root(root, &rootfd, e);

	if (rc == 0 && !fs_exists(rootfd, "/lib/systemd/systemd") &&
		!fs_exists(rootfd, "/usr/lib/systemd/systemd"))
		return err_set(e, ERR_DATA, ENOENT,
			"the image has no systemd: nothing there could run its checks");
	if (rc == 0)
		rc = fs_mkdir_p(rootfd, FOLDER, 0755, e);
	if (rc == 0)
		rc = fs_mkdir_p(rootfd, wanted, 0755, e);
	if (rc == 0)
		rc = write_file(rootfd, FOLDER "/serve", serve, e);
	if (rc == 0)
		rc = write_file(rootfd, UNITS "/" UNIT, unit, e);
	if (rc == 0)
		rc = link_unit(rootfd, wanted, "../" UNIT, UNIT, e);
	for (size_t i = 0; i < ARRAY_LEN(waiting) && rc == 0; i++)
		rc = link_unit(rootfd, UNITS, "/dev/null", waiting[i], e);
	return rc;
}
