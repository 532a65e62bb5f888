/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_step.h"

#include "common/fs.h"
#include "common/num.h"
#include "controller/image/image_manifest.h"
#include "controller/machine/script.h"
#include "controller/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/*
 * $W is the folder of what we bring, which the wipe removes; $DATA is where archives belong. There
 * may be no running systemd, and nothing is started where there is none.
 */
/* clang-format off */

#define PREAMBLE \
	"set -eu\n" \
	"umask 022\n" \
	"export LC_ALL=C DEBIAN_FRONTEND=noninteractive\n" \
	"[ -d /run/systemd/system ] || export SYSTEMD_OFFLINE=1\n" \
	"MARKER=" BAKE_MARKER " DATA=/usr/local/data\n" \
	"W=$HOME/.shared-prep/bake-$RUN\n"

/* A new file of the system, whole or not at all. */
#define PUT \
	"put() { cat >\"$1.new\"; chmod 644 \"$1.new\"; mv -f \"$1.new\" \"$1\"; }\n"

#define USER_SCRIPT(name) \
	"mkdir -p \"$W\"\n" \
	"cat >\"$W/" name "\"\n" \
	"chmod 700 \"$W/" name "\"\n" \
	"cd /\n" \
	"export ARCH DATA\n" \
	"if [ \"$(head -c 2 \"$W/" name "\")\" = '#!' ]; then set -- \"$W/" name "\"; else set -- sh \"$W/" name "\"; fi\n" \
	"\"$@\" </dev/null\n"

const struct bake_step bake_steps[] = {
	/* What cloud-init still does at this boot may hold the package manager, and writes logs. */
	{"ecs-stop", BAKE_ONCE, BAKE_NOTHING, BAKE_LOG, 5 * SCRIPT_MINUTE,
		"if [ -d /run/systemd/system ] && command -v cloud-init >/dev/null; then\n"
		"	timeout 240 cloud-init status --wait >/dev/null 2>&1 || :\n"
		"fi\n"
		"[ ! -d /run/systemd/system ] || systemctl stop ecs.service >/dev/null 2>&1 || :\n"
		"if command -v docker >/dev/null && docker info >/dev/null 2>&1; then\n"
		"	docker rm -f ecs-agent >/dev/null 2>&1 || :\n"
		"fi\n"
		"for d in /var/lib/ecs/data /var/log/ecs; do\n"
		"	[ ! -d \"$d\" ] || find \"$d\" -mindepth 1 -delete\n"
		"done\n"},

	{"before", BAKE_ONCE, BAKE_BEFORE, BAKE_LOG, 60 * SCRIPT_MINUTE,
		USER_SCRIPT("before")},

	{"agent", BAKE_ONCE, BAKE_AGENT, BAKE_LOG, 10 * SCRIPT_MINUTE, SCRIPT_AGENT},

	/* It needs nothing of the distribution, so no repository is asked. */
	{"rpm", BAKE_ONCE, BAKE_RPM, BAKE_LOG, 15 * SCRIPT_MINUTE,
		SCRIPT_APT_INSTALL
		"f=$W/shared-prep.rpm\n"
		"cat >\"$f\"\n"
		"if ! command -v rpm >/dev/null; then\n"
		"	command -v apt-get >/dev/null || { echo 'there is neither rpm nor apt-get here' >&2; exit 1; }\n"
		"	apt_install rpm\n"
		"fi\n"
		"nodeps=\n"
		"! command -v dpkg-query >/dev/null || nodeps=--nodeps\n"
		"id='%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH} %{SHA256HEADER}'\n"
		"want=$(rpm -qp --qf \"$id\" \"$f\" 2>/dev/null || :)\n"
		"have=$(rpm -q --qf \"$id\" shared-prep 2>/dev/null || :)\n"
		"if [ -n \"$want\" ] && [ \"$want\" = \"$have\" ]; then\n"
		"	echo \"$have is installed\"\n"
		"else\n"
		"	rpm -U --oldpackage --replacepkgs $nodeps \"$f\"\n"
		"fi\n"
		"rm -f \"$f\"\n"
		"shared-prep --version\n"},

	{"repository", BAKE_EACH_REPOSITORY, BAKE_ITEM, BAKE_LOG, 5 * SCRIPT_MINUTE,
		PUT
		"d=/etc/apt/sources.list.d\n"
		"case $NAME in *.repo) d=/etc/yum.repos.d ;; esac\n"
		"[ -d \"$d\" ] || { echo \"$NAME is of no use here: there is no $d\" >&2; exit 1; }\n"
		"put \"$d/$NAME\"\n"},

	{"packages", BAKE_FOR_PACKAGES, BAKE_NOTHING, BAKE_LOG, 60 * SCRIPT_MINUTE, SCRIPT_PACKAGES},

	/* What is there already is not sent: the script ends before it reads. */
	{"archive", BAKE_EACH_ARCHIVE, BAKE_ITEM, BAKE_LOG, 240 * SCRIPT_MINUTE,
		"mkdir -p \"$DATA\"\n"
		"f=$DATA/$NAME p=$DATA/.$NAME.partial\n"
		"if [ -f \"$f\" ] && [ \"$(sha256sum <\"$f\")\" = \"$SHA256  -\" ]; then\n"
		"	echo \"$NAME is there already\"\n"
		"	exit 0\n"
		"fi\n"
		"rm -f \"$p\"\n"
		"free=$(df -Pk \"$DATA\" | awk 'NR == 2 {printf \"%.0f\", $4 * 1024}')\n"
		"if [ \"$free\" -lt \"$BYTES\" ]; then\n"
		"	echo \"no space for $NAME: it has $BYTES bytes, $free are free: give size= a larger value\" >&2\n"
		"	exit 1\n"
		"fi\n"
		"trap 'rm -f \"$p\"' EXIT\n"
		"cat >\"$p\"\n"
		"[ \"$(sha256sum <\"$p\")\" = \"$SHA256  -\" ] || { echo \"$NAME was damaged on its way\" >&2; exit 1; }\n"
		"\"$W/shared-prep\" verify --quiet \"$p\"\n"
		"chmod 644 \"$p\"\n"
		"mv -f \"$p\" \"$f\"\n"},

	{"copy", BAKE_EACH_COPY, BAKE_ITEM, BAKE_LOG, 240 * SCRIPT_MINUTE,
		"mkdir -p \"$DATA\"\n"
		"p=$DATA/.$NAME.partial\n"
		"rm -rf \"$p\"\n"
		"trap 'rm -rf \"$p\" \"$W/tree.tar.zst\"' EXIT\n"
		"if [ -n \"$TREE\" ]; then\n"
		"	cat >\"$W/tree.tar.zst\"\n"
		"	\"$W/shared-prep\" unpack --quiet \"$W/tree.tar.zst\" \"$p\"\n"
		"else\n"
		"	cat >\"$p\"\n"
		"	[ \"$(sha256sum <\"$p\")\" = \"$SHA256  -\" ] || { echo \"$NAME was damaged on its way\" >&2; exit 1; }\n"
		"fi\n"
		"chmod \"$MODE\" \"$p\"\n"
		"rm -rf \"${DATA:?}/$NAME\"\n"
		"mv \"$p\" \"$DATA/$NAME\"\n"},

	{"config", BAKE_ONCE, BAKE_CONFIG, BAKE_LOG, 5 * SCRIPT_MINUTE,
		PUT
		"d=/etc/shared-prep/conf.d\n"
		"mkdir -p \"$d\"\n"
		"if [ -n \"$CONFIG\" ]; then put \"$d/50-image.conf\"; else rm -f \"$d/50-image.conf\"; fi\n"
		"if [ -n \"$COPIES\" ]; then\n"
		"	{ echo '[Copy]'; for c in $COPIES; do echo \"Copy=$c\"; done; } | put \"$d/60-copy.conf\"\n"
		"else\n"
		"	rm -f \"$d/60-copy.conf\"\n"
		"fi\n"
		"shared-prep plan\n"},

	{"units", BAKE_ONCE, BAKE_NOTHING, BAKE_LOG, 5 * SCRIPT_MINUTE,
		"if ! command -v systemctl >/dev/null; then\n"
		"	[ -z \"$UNITS\" ] || { echo \"no systemctl here: cannot enable $UNITS\" >&2; exit 1; }\n"
		"	echo 'no systemctl here: nothing is enabled'\n"
		"	exit 0\n"
		"fi\n"
		"while read -r verb unit; do\n"
		"	case $verb in enable | disable) systemctl --no-reload preset \"$unit\" ;; esac\n"
		"done </usr/lib/systemd/system-preset/90-shared-prep.preset\n"
		"[ -z \"$UNITS\" ] || systemctl --no-reload enable $UNITS\n"},

	{"ecs", BAKE_ONCE, BAKE_NOTHING, BAKE_LOG, 5 * SCRIPT_MINUTE,
		"f=/etc/ecs/ecs.config begin='# shared-prep image: begin' end='# shared-prep image: end'\n"
		"[ $# -gt 0 ] || grep -qsxF \"$begin\" \"$f\" || exit 0\n"
		"mkdir -p /etc/ecs\n"
		"[ -e \"$f\" ] || : >\"$f\"\n"
		"cp -p \"$f\" \"$f.new\"\n"
		"{\n"
		"	sed \"/^$begin\\$/,/^$end\\$/d\" \"$f\"\n"
		"	[ $# = 0 ] || printf '%s\\n' \"$begin\" \"$@\" \"$end\"\n"
		"} >\"$f.new\"\n"
		"mv -f \"$f.new\" \"$f\"\n"},

	{"containers", BAKE_FOR_CONTAINERS, BAKE_LOGIN, BAKE_LOG, 120 * SCRIPT_MINUTE,
		bake_containers_script},

	{"after", BAKE_ONCE, BAKE_AFTER, BAKE_LOG, 60 * SCRIPT_MINUTE,
		USER_SCRIPT("after")},

	{"self-check", BAKE_EACH_TYPE, BAKE_NOTHING, BAKE_PLAN, 10 * SCRIPT_MINUTE,
		"shared-prep plan --json --instance-type \"$TYPE\"\n"},

	{"wipe", BAKE_ONCE, BAKE_NOTHING, BAKE_LOG, 15 * SCRIPT_MINUTE, bake_wipe_script},
	{"wipe-check", BAKE_ONCE, BAKE_NOTHING, BAKE_LOG, 15 * SCRIPT_MINUTE, bake_wipe_check_script},

	/* Last, so that what is listed is what is in the image. */
	{"manifest", BAKE_ONCE, BAKE_NOTHING, BAKE_LIST, 60 * SCRIPT_MINUTE, bake_list_script},
};
/* clang-format on */

const size_t n_bake_steps = ARRAY_LEN(bake_steps);

static size_t count_types(const struct bake *b)
{
	const struct config_words *types = &b->project->image.types;
	size_t n = 0;

	for (size_t i = 0; i < types->len; i++)
		n += bake_has_type(b, types->word[i]);
	return n;
}

/* The k-th that is of this architecture. */
static const char *type_at(const struct bake *b, size_t k)
{
	const struct config_words *types = &b->project->image.types;

	for (size_t i = 0; i < types->len; i++) {
		if (bake_has_type(b, types->word[i]) && k-- == 0)
			return types->word[i];
	}
	return "";
}

size_t bake_step_count(const struct bake_step *s, const struct bake *b)
{
	switch (s->scope) {
	case BAKE_ONCE:
		return (s->input != BAKE_BEFORE && s->input != BAKE_AFTER) ||
		       bake_step_input(s, b, 0);
	case BAKE_FOR_PACKAGES:
		return b->project->image.packages.len > 0;
	case BAKE_FOR_CONTAINERS:
		return b->project->image.containers.len > 0;
	case BAKE_EACH_REPOSITORY:
		return b->project->image.repositories.len;
	case BAKE_EACH_ARCHIVE:
		return b->n_archives;
	case BAKE_EACH_COPY:
		return b->project->image.copy.len;
	case BAKE_EACH_TYPE:
		return count_types(b);
	}
	return 0;
}

static const struct bake_file *item(const struct bake_step *s, const struct bake *b, size_t k)
{
	switch (s->scope) {
	case BAKE_EACH_REPOSITORY:
		return &b->repository[k];
	case BAKE_EACH_ARCHIVE:
		return &b->archive[k].file;
	case BAKE_EACH_COPY:
		return &b->copy[k];
	default:
		return NULL;
	}
}

const char *bake_step_item(const struct bake_step *s, const struct bake *b, size_t k)
{
	const struct bake_file *f = item(s, b, k);

	return f ? f->name : s->scope == BAKE_EACH_TYPE ? type_at(b, k) : "";
}

const struct bake_file *bake_step_input(const struct bake_step *s, const struct bake *b, size_t k)
{
	const struct bake_file *f = NULL;

	switch (s->input) {
	case BAKE_NOTHING:
		break;
	case BAKE_AGENT:
		f = &b->agent;
		break;
	case BAKE_RPM:
		f = &b->rpm.file;
		break;
	case BAKE_CONFIG:
		f = &b->config;
		break;
	case BAKE_BEFORE:
		f = &b->before;
		break;
	case BAKE_AFTER:
		f = &b->after;
		break;
	case BAKE_LOGIN:
		f = &b->login;
		break;
	case BAKE_ITEM:
		f = item(s, b, k);
		break;
	}
	return f && f->path ? f : NULL;
}

int bake_here(char ret[static 128], struct err *e)
{
	char boot[64];
	struct stat st;
	int rc = fs_read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot), e);

	if (rc < 0)
		return rc;
	if (stat("/", &st) < 0)
		return err_errno(e, "cannot look at '/'");
	snprintf(ret, 128, "%s:%ju:%ju", boot, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return 0;
}

static int add_copies(struct buf *out, const struct bake *b)
{
	auto_buf struct buf text = BUF_INIT(out->max);
	int rc = 0;

	for (size_t i = 0; i < b->project->image.copy.len && rc == 0; i++)
		rc = buf_addf(&text, "%s%s", i ? " " : "", b->copy[i].name);
	return rc < 0 ? rc : shell_assign(out, "COPIES", buf_str(&text));
}

static int add_lists(struct buf *out, const struct bake *b)
{
	const struct image_spec *i = &b->project->image;
	int rc;

	if ((rc = shell_assign_list(out, "PACKAGES", &i->packages)) < 0 ||
		(rc = shell_assign_list(out, "UNITS", &i->units)) < 0 ||
		(rc = shell_assign_list(out, "CONTAINERS", &i->containers)) < 0 ||
		(rc = add_copies(out, b)) < 0)
		return rc;
	rc = buf_adds(out, "set --");
	if (rc == 0)
		rc = shell_add(out, &i->ecs);
	return rc < 0 ? rc : buf_adds(out, "\n");
}

static int add_variables(
	const struct bake_step *s, size_t k, const struct bake_place *at, struct buf *out)
{
	const struct bake *b = at->bake;
	const struct bake_file *f = item(s, b, k);
	const struct {
		const char *name, *value;
	} text[] = {
		{"RUN", at->run},
		{"HERE", at->here},
		{"ARCH", b->arch},
		{"CONFIG", b->config.path ? "yes" : ""},
		{"LOGIN", b->login.path ? "yes" : ""},
		{"EXCLUDED", s->output == BAKE_LIST ? image_manifest_excluded : ""},
		{"NAME", f ? f->name : ""},
		{"SHA256", f ? f->digest : ""},
		{"TREE", f && S_ISDIR(f->mode) ? "yes" : ""},
		{"TYPE", s->scope == BAKE_EACH_TYPE ? type_at(b, k) : ""},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(text) && rc == 0; i++)
		rc = shell_assign(out, text[i].name, text[i].value);
	if (rc == 0)
		rc = buf_addf(out, "BYTES=%" PRIu64 " MODE=%o\n", f ? f->bytes : 0,
			f ? f->mode & 0777U : 0);
	return rc < 0 ? rc : add_lists(out, b);
}

int bake_step_script(const struct bake_step *s, size_t k, const struct bake_place *at,
	struct buf *out, struct err *e)
{
	int rc = add_variables(s, k, at, out);

	if (rc == 0)
		rc = buf_adds(out, PREAMBLE);
	if (rc == 0)
		rc = buf_adds(out, s->script);
	if (rc == -EFBIG)
		return err_set(e, ERR_CONFIG, EFBIG,
			"%s: [image]: its packages, units, containers and settings are too long",
			at->bake->project->file);
	return rc < 0 ? err_oom(e) : 0;
}
