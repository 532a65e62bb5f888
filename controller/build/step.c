/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/step.h"

#include "common/auto.h"
#include "common/num.h"
#include "controller/machine/script.h"
#include "controller/shell.h"

#include <errno.h>

/*
 * $W is the folder of what we bring, $B that of what is built, in memory as $PREFIX is. A worker
 * may be a machine that somebody else uses too: LAST leaves it as it was.
 */
/* clang-format off */

/* Of a script that has ended, or whose connection has: what has its run in its environment. It may
 * hold our streams open, and PREFIX. */
#define END_ALL \
	"unset SHARED_PREP_RUN\n" \
	"while p=$(grep -lszxF \"SHARED_PREP_RUN=$RUN\" /proc/[0-9]*/environ); do\n" \
	"	for p in $p; do p=${p%/environ}; kill -9 \"${p#/proc/}\" 2>/dev/null || :; done\n" \
	"	sleep 0.1\n" \
	"done\n"

const struct step steps[] = {
	{"agent", STEP_FIRST, INPUT_AGENT, OUTPUT_LOG, 10 * SCRIPT_MINUTE, SCRIPT_AGENT},

	{"prepare", STEP_FIRST, INPUT_NONE, OUTPUT_LOG, 5 * SCRIPT_MINUTE,
		"[ -e /shared/.shared-prep/facts.json ] || touch \"$W/ours\"\n"
		"\"$W/shared-prep\" prepare --quiet\n"
		"df -h /shared\n"},

	{"packages", STEP_FIRST, INPUT_NONE, OUTPUT_LOG, 30 * SCRIPT_MINUTE, SCRIPT_PACKAGES},

	{"source", STEP_FIRST, INPUT_SOURCE, OUTPUT_LOG, 60 * SCRIPT_MINUTE,
		"mkdir -p \"$B\"\n"
		"cat >\"$B/source.tar.zst\"\n"},

	{"build", STEP_EACH, INPUT_NONE, OUTPUT_LOG, 0,
		"if [ -e \"$PREFIX\" ] && [ ! -e \"$B/began.$KEY\" ]; then\n"
		"	echo \"$PREFIX is there already, and not ours: this machine has $KEY installed\" >&2\n"
		"	exit 1\n"
		"fi\n"
		"touch \"$B/began.$KEY\"\n"
		"rm -rf \"$B/tree\" \"$PREFIX\"\n"
		"\"$W/shared-prep\" unpack --quiet \"$B/source.tar.zst\" \"$B/tree\"\n"
		"mkdir -p \"$PREFIX\"\n"
		"cd \"$B/tree\"\n"
		"rc=0\n"
		"sh=sh\n"
		"if [ -x \"$SCRIPT\" ]; then sh=; fi\n"
		"env -i PATH=\"$PATH\" HOME=\"$HOME\" LC_ALL=C TMPDIR=/tmp SHARED_PREP_RUN=\"$RUN\" \\\n"
		"	PREFIX=\"$PREFIX\" TARGET=\"$TARGET\" FLAGSET=\"$FLAGSET\" \\\n"
		"	CC=cc CXX=c++ FC=gfortran MAKEFLAGS=\"-j$(nproc)\" \\\n"
		"	CFLAGS=\"$CFLAGS\" CXXFLAGS=\"$CXXFLAGS\" FCFLAGS=\"$FCFLAGS\" LDFLAGS=\"$LDFLAGS\" \\\n"
		"	\"$@\" timeout -k 10 \"$LIMIT\" $sh \"./$SCRIPT\" \"$PREFIX\" || rc=$?\n"
		END_ALL
		"exit $rc\n"},

	{"pack", STEP_EACH, INPUT_NONE, OUTPUT_DIGEST, 120 * SCRIPT_MINUTE,
		"cd \"$B/tree\"\n"
		"for f in \"$KEY\".tar.*; do\n"
		"	[ -f \"$f\" ] || continue\n"
		"	rm -rf \"$PREFIX\"\n"
		"	\"$W/shared-prep\" unpack --quiet \"$f\" \"$PREFIX\" >&2\n"
		"	if [ \"$(ls -A \"$PREFIX\")\" = \"$KEY\" ]; then\n"
		"		mv \"$PREFIX/$KEY\" \"$B/top\" && rmdir \"$PREFIX\" && mv \"$B/top\" \"$PREFIX\"\n"
		"	fi\n"
		"	break\n"
		"done\n"
		"if [ -z \"$(ls -A \"$PREFIX\")\" ]; then\n"
		"	echo \"$SCRIPT left nothing in $PREFIX, and no $KEY.tar.* in its folder\" >&2\n"
		"	exit 1\n"
		"fi\n"
		"CC=cc\n"
		"for v; do case $v in CC=*) CC=${v#CC=} ;; esac; done\n"
		"set -- --app \"$APP\" --key \"$TARGET\" --arch \"$ARCH\" --level \"$LEVEL\"\n"
		"if command -v ${CC%% *} >/dev/null; then set -- \"$@\" --cc \"$CC\" --cflags \"$CFLAGS\"; fi\n"
		"if [ -n \"$MARCH\" ]; then set -- \"$@\" --march \"$MARCH\"; fi\n"
		"if [ -n \"$ENTRY\" ]; then set -- \"$@\" --entry \"$ENTRY\"; fi\n"
		"if [ -n \"$VERSION\" ]; then set -- \"$@\" --app-version \"$VERSION\"; fi\n"
		"\"$W/shared-prep\" pack --quiet \"$@\" \"$PREFIX\" -o \"$B/$KEY.tar.zst\" >&2\n"
		"sha256sum <\"$B/$KEY.tar.zst\"\n"},

	{"fetch", STEP_EACH, INPUT_NONE, OUTPUT_ARCHIVE, 120 * SCRIPT_MINUTE,
		"cat \"$B/$KEY.tar.zst\"\n"},

	{"tidy", STEP_EACH, INPUT_NONE, OUTPUT_LOG, 10 * SCRIPT_MINUTE,
		"[ ! -e \"$B/began.$KEY\" ] || rm -rf \"$PREFIX\"\n"
		"rm -rf \"$B/tree\" \"$B/$KEY.tar.zst\" \"$B/began.$KEY\"\n"},

	{"leave", STEP_LAST, INPUT_NONE, OUTPUT_LOG, 10 * SCRIPT_MINUTE,
		END_ALL
		"for f in \"$B\"/began.*; do [ ! -e \"$f\" ] || rm -rf \"/shared/${f##*/began.}\"; done\n"
		"rm -rf \"$B\"\n"
		"rc=0\n"
		/* A shell whose script was ended there may still be about to go. */
		"n=0\n"
		"while [ -e \"$W/ours\" ] && ! \"$W/shared-prep\" release; do\n"
		"	n=$((n + 1))\n"
		"	[ $n -lt 20 ] || { rc=1; break; }\n"
		"	sleep 0.2\n"
		"done\n"
		"rm -rf \"$W\"\n"
		"rmdir \"${W%/*}\" 2>/dev/null || :\n"
		"exit $rc\n"},
};
/* clang-format on */

const size_t n_steps = ARRAY_LEN(steps);

/* The positional parameters: what the build script finds in its environment beside the rest. */
static int add_environment(const struct build *b, struct buf *out)
{
	int rc = buf_adds(out, "set --");

	if (rc == 0)
		rc = shell_add(out, &b->app->env);
	if (rc == 0)
		rc = shell_add(out, &b->flags->env);
	return rc < 0 ? rc : buf_adds(out, "\n");
}

/* "-march=znver4 -O3" */
static int add_flags(const struct build *b, const char *name, const char *flags, struct buf *out)
{
	char option[TARGET_NAME + 8];
	auto_buf struct buf text = BUF_INIT(STEP_SCRIPT_MAX);
	int rc;

	target_option(&b->target, option);
	rc = buf_addf(&text, "%s%s%s", option, *option && *flags ? " " : "", flags);
	return rc < 0 ? rc : shell_assign(out, name, buf_str(&text));
}

static int add_variables(const struct build *b, struct buf *out)
{
	const struct {
		const char *name, *value;
	} text[] = {
		{"KEY", b->key},
		{"APP", b->app->name},
		{"SCRIPT", b->app->script},
		{"ENTRY", b->app->entry},
		{"VERSION", b->app->version},
		{"TARGET", b->target.name},
		{"ARCH", b->target.arch},
		{"MARCH", b->target.march},
		{"FLAGSET", b->flags->name},
		{"LDFLAGS", b->flags->ldflags},
	};
	const struct project_flags *f = b->flags;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(text) && rc == 0; i++)
		rc = shell_assign(out, text[i].name, text[i].value);
	if (rc < 0 || (rc = add_flags(b, "CFLAGS", f->cflags, out)) < 0 ||
		(rc = add_flags(b, "CXXFLAGS", f->cxxflags, out)) < 0 ||
		(rc = add_flags(b, "FCFLAGS", f->fcflags, out)) < 0 ||
		(rc = shell_assign_list(out, "PACKAGES", &b->app->packages)) < 0)
		return rc;
	return buf_addf(out, "PREFIX=/shared/$KEY\nLEVEL=%u\nLIMIT=%llu\n", b->app->level,
		(unsigned long long)(b->app->timeout / NSEC_PER_SEC));
}

int step_script(const struct step *s, const struct build *b, const char *run, struct buf *out,
	struct err *e)
{
	int rc = buf_addf(out,
		"set -eu\numask 022\n"
		"RUN=%s B=/shared/.build-$RUN\n"
		"W=$HOME/.shared-prep/$RUN\n"
		"export SHARED_PREP_RUN=$RUN\n",
		run);

	if (rc == 0)
		rc = add_variables(b, out);
	if (rc == 0)
		rc = add_environment(b, out);
	if (rc == 0)
		rc = buf_adds(out, s->script);
	if (rc == -EFBIG)
		return err_set(e, ERR_CONFIG, EFBIG,
			"[app %s]: its flags, packages and environment are too long", b->app->name);
	return rc < 0 ? err_oom(e) : 0;
}
