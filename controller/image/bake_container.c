/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script that pulls images of containers. The file of login= is in memory alone while it runs,
 * so that no block of the disk has had it. Neither engine gives up a registry that has taken a
 * request and says nothing more; what the engine's process reads, which may be a daemon's progress,
 * grows through the longest pull.
 */
#include "controller/image/bake_step.h"

/* clang-format off */

const char bake_containers_script[] =
	"if command -v docker >/dev/null; then\n"
	"	engine=docker\n"
	"	[ ! -d /run/systemd/system ] || systemctl start docker.service || :\n"
	"	docker info >/dev/null 2>&1 || {\n"
	"		echo 'docker is here, but its daemon does not run: where there is no systemd, only podman can pull' >&2\n"
	"		exit 1\n"
	"	}\n"
	"elif command -v podman >/dev/null; then engine=podman\n"
	"else echo 'containers= needs docker or podman, and neither is here: name one in packages=' >&2; exit 1; fi\n"
	"if [ -n \"$LOGIN\" ]; then\n"
	"	d=/run/shared-prep-login\n"
	"	trap 'rm -rf \"$d\"' EXIT\n"
	"	trap 'exit 143' HUP INT TERM\n"
	"	rm -rf \"$d\"\n"
	"	mkdir -m 700 \"$d\"\n"
	"	cat >\"$d/config.json\"\n"
	"	export DOCKER_CONFIG=\"$d\" REGISTRY_AUTH_FILE=\"$d/config.json\"\n"
	"fi\n"
	/* An engine that only waits reads some 6 bytes a second, as it wakes itself. */
	"IDLE=300 LEAST=8192\n"
	/* Its sleep may outlive it, and must not hold our streams. */
	"watch() {\n"
	"	was=0\n"
	"	while sleep \"$IDLE\" >/dev/null 2>&1; do\n"
	"		now=$(sed -n 's/^rchar: //p' \"/proc/$2/io\" 2>/dev/null)\n"
	"		[ -n \"$now\" ] || return 0\n"
	"		if [ \"$((now - was))\" -lt \"$LEAST\" ]; then\n"
	"			echo \"$1: nothing has come from its registry for $IDLE s\" >&2\n"
	"			kill -9 \"$2\"\n"
	"			return 0\n"
	"		fi\n"
	"		was=$now\n"
	"	done\n"
	"}\n"
	"pull() {\n"
	"	$engine pull -q \"$1\" </dev/null &\n"
	"	p=$! rc=0\n"
	"	watch \"$1\" \"$p\" &\n"
	"	wait \"$p\" 2>/dev/null || rc=$?\n"
	"	kill $! 2>/dev/null || :\n"
	"	return $rc\n"
	"}\n"
	"for c in $CONTAINERS; do\n"
	"	$engine image inspect \"$c\" >/dev/null 2>&1 || pull \"$c\" || exit 1\n"
	"done\n";
/* clang-format on */
