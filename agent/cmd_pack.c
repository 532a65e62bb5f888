/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/cpus.h"
#include "agent/host.h"
#include "agent/match.h"
#include "agent/pack.h"
#include "agent/pack_features.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "common/num.h"
#include "common/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

struct pack_options {
	const char *output;
	uint64_t level;
	uint64_t frame_size;
	uint64_t threads;
	const char *app, *key, *app_version, *arch, *entry;
	const char *march, *cflags, *cc, *requires, *scan;
	bool scan_report;
	bool quiet;
	bool json;
};

static const struct pack_options defaults = {.level = PACK_LEVEL, .frame_size = PACK_FRAME};

#define AT(field) offsetof(struct pack_options, field)

static const struct opt opts[] = {
	{OPT_STRING, 'o', "output", AT(output), "FILE", "the archive to write: APP_KEY.tar.zst"},
	{OPT_STRING, 0, "app", AT(app), "NAME", "instead of the one in the archive's name"},
	{OPT_STRING, 0, "key", AT(key), "KEY", "instead of the one in the archive's name"},
	{OPT_STRING, 0, "app-version", AT(app_version), "TEXT", "version of the app"},
	{OPT_STRING, 0, "arch", AT(arch), "ARCH",
		"x86_64, aarch64 or other (default: by the key, else this machine's)"},
	{OPT_STRING, 0, "march", AT(march), "NAME",
		"what it was compiled for; its features are required"},
	{OPT_STRING, 0, "cflags", AT(cflags), "FLAGS",
		"what it was compiled with; the compiler is asked which features"},
	{OPT_STRING, 0, "cc", AT(cc), "PROGRAM", "the compiler to ask (default $CC, else cc)"},
	{OPT_STRING, 0, "requires", AT(requires), "A,B", "CPU features that the programs use"},
	{OPT_STRING, 0, "scan", AT(scan), "HOW",
		"find them in ELF files: none, properties or instructions"},
	{OPT_FLAG, 0, "scan-report", AT(scan_report), NULL, "print what was found in which file"},
	{OPT_STRING, 0, "entry", AT(entry), "PATH", "the program to start, relative to DIR"},
	{OPT_U64, 0, "level", AT(level), "N", "zstd level, 1 to 22 (default 19)"},
	{OPT_SIZE, 0, "frame-size", AT(frame_size), "SIZE",
		"bytes of tar in one frame (default 2M)"},
	{OPT_U64, 0, "threads", AT(threads), "N",
		"threads that compress (default: one for each CPU)"},
	{OPT_FLAG, 'q', "quiet", AT(quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print the manifest as JSON"},
	{0},
};

/* What was measured beforehand is about right. */
static void on_progress(uint64_t bytes, void *ctx)
{
	struct progress *p = ctx;

	if (p->total < bytes)
		p->total = bytes;
	progress_update(p, bytes);
}

static bool on_cancel(void *ctx)
{
	(void)ctx;
	return cancel_requested();
}

static int set_text(char *out, size_t size, const char *option, const char *value, struct err *e)
{
	if (!value)
		return 0;
	if (strlen(value) >= size)
		return err_set(
			e, ERR_USAGE, EINVAL, "pack: --%s: '%.40s...' is too long", option, value);
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

/* App and key by the archive's name, whichever machine the key is of. */
static int set_names(const struct pack_options *o, struct manifest *m, struct err *e)
{
	const char *slash = strrchr(o->output, '/');
	const char *name = slash ? slash + 1 : o->output;
	const struct cpu none = {.arch = CPU_OTHER};
	const struct match_machine machine = {.instance_type = "", .cpu = &none};
	const char *end = strrchr(name, '.');
	struct candidate c;
	int rc;

	if (!end || strcmp(end, ".zst") != 0 || !match_split(name, &machine, &c))
		return err_set(e, ERR_USAGE, EINVAL,
			"pack: '%s' is not the name of an archive: use APP_KEY.tar.zst", name);
	memcpy(m->app, c.app, sizeof(m->app));
	memcpy(m->key, c.key, sizeof(m->key));
	rc = set_text(m->app, sizeof(m->app), "app", o->app, e);
	if (rc == 0)
		rc = set_text(m->key, sizeof(m->key), "key", o->key, e);
	return rc;
}

static void on_warning(const char *text, void *ctx)
{
	(void)ctx;
	log_warning("pack: %s", text);
}

static int set_features(const struct pack_options *o, const char *dir, struct manifest *m,
	json_t *files, struct err *e)
{
	const struct pack_features_request r = {
		.dir = dir,
		.arch = o->arch,
		.march = o->march,
		.cflags = o->cflags,
		.cc = o->cc,
		.requires = o->requires,
		.scan = o->scan,
		.cancelled = on_cancel,
		.warn = on_warning,
	};

	return pack_features(&r, m, files, e);
}

/* The program to start must be there. */
static int set_entry(
	const struct pack_options *o, const char *dir, struct manifest *m, struct err *e)
{
	auto_close int fd = -1;

	if (!o->entry)
		return 0;
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (o->entry[0] == '/' || strstr(o->entry, "..") ||
			       faccessat(fd, o->entry, X_OK, AT_SYMLINK_NOFOLLOW) < 0))
		return err_set(e, ERR_USAGE, EINVAL, "pack: --entry: no program '%s' in '%s'",
			o->entry, dir);
	return set_text(m->entry, sizeof(m->entry), "entry", o->entry, e);
}

static int set_manifest(const struct pack_options *o, const char *dir, struct manifest *m,
	json_t *files, struct err *e)
{
	int rc = set_names(o, m, e);

	if (rc == 0)
		rc = set_text(m->version, sizeof(m->version), "app-version", o->app_version, e);
	if (rc == 0)
		rc = set_entry(o, dir, m, e);
	return rc == 0 ? set_features(o, dir, m, files, e) : rc;
}

static void print_file(const json_t *file)
{
	const json_t *level = json_object_get(file, "level"), *name;
	size_t i;

	printf("found      %s:", json_string_value(json_object_get(file, "file")));
	if (json_is_string(level))
		printf(" (%s)", json_string_value(level));
	json_array_foreach(json_object_get(file, "features"), i, name)
		printf(" %s", json_string_value(name));
	putchar('\n');
}

static int print_result(
	const struct pack_options *o, const struct manifest *m, json_t *files, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	char size[NUM_TEXT], packed[NUM_TEXT];
	auto_json json_t *j = NULL;
	struct stat st;
	size_t i;
	const json_t *file;
	int rc;

	if (o->json) {
		rc = manifest_text(m, &text, e);
		if (rc == 0)
			rc = json_parse(text.data, text.len, o->output, &j, e);
		if (rc == 0 && o->scan_report && json_object_set(j, "found", files) < 0)
			return err_oom(e);
		return rc == 0 ? json_print(j, stdout, e) : rc;
	}
	if (stat(o->output, &st) < 0)
		return err_errno(e, "pack: cannot examine '%s'", o->output);
	printf("archive    %s: %s\ncontent    %" PRIu64 " entries, %s\ndigest     %s\n", o->output,
		num_size_text((uint64_t)st.st_size, packed), m->entries,
		num_size_text(m->bytes, size), m->digest);
	json_array_foreach(o->scan_report ? files : NULL, i, file) print_file(file);
	return 0;
}

/* Half of what is available: the pages of the files that are read want some too. */
static uint64_t memory_for_threads(void)
{
	auto_close int root = -1;
	struct err e = ERR_INIT;
	struct host host;

	if (fs_root("/", &root, &e) < 0 || host_read(root, &host, &e) < 0)
		return UINT64_MAX;
	return (host.cgroup_limit < host.mem_available ? host.cgroup_limit : host.mem_available) /
	       2;
}

/* Shows progress meanwhile. */
static int pack(
	const struct pack_options *o, struct pack_request *r, struct manifest *ret, struct err *e)
{
	struct progress progress;
	uint64_t total = 0;
	char what[300];
	int rc;

	snprintf(what, sizeof(what), "pack '%.250s'", r->dir);
	r->ctx = &progress;
	if (!o->quiet && pack_measure(r, &total, e) < 0)
		return -e->num;
	progress_start(&progress, what, total, o->quiet);
	rc = pack_tree(r, ret, e);
	progress_end(&progress);
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct pack_options *o = options;
	struct pack_request r = {
		.dir = operands->argv[0],
		.output = o->output,
		.level = o->level > 1000 ? 1000 : (int)o->level,
		.frame_size = o->frame_size,
		.threads = cpus_threads(o->threads),
		.memory = memory_for_threads(),
		.progress = on_progress,
		.cancelled = on_cancel,
	};
	auto_json json_t *files = json_array();
	struct manifest m;
	int rc;

	if (!o->output)
		return err_set(e, ERR_USAGE, EINVAL,
			"pack: where to? use -o APP_KEY.tar.zst (see 'shared-prep pack --help')");
	cancel_setup();
	rc = set_manifest(o, r.dir, &r.manifest, files, e);
	if (rc == 0)
		rc = pack(o, &r, &m, e);
	return rc == 0 ? print_result(o, &m, files, e) : rc;
}

const struct command cmd_pack = {
	.name = "pack",
	.operands = "DIR",
	.summary = "write a directory as an archive with manifest and index",
	.opts = opts,
	.options_size = sizeof(struct pack_options),
	.defaults = &defaults,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
