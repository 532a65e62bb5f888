/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/cpus.h"
#include "agent/manifest.h"
#include "agent/unpack/unpack.h"
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

struct verify_options {
	bool json;
	bool allow_devices;
	bool quiet;
	uint64_t max_bytes;
	uint64_t max_entries;
	uint64_t threads;
};

static const struct opt opts[] = {
	{OPT_FLAG, 0, "allow-devices", offsetof(struct verify_options, allow_devices), NULL,
		"do not refuse devices and FIFOs"},
	{OPT_FLAG, 0, "json", offsetof(struct verify_options, json), NULL, "print JSON"},
	{OPT_SIZE, 0, "max-bytes", offsetof(struct verify_options, max_bytes), "SIZE",
		"refuse an archive whose files are larger together"},
	{OPT_U64, 0, "max-entries", offsetof(struct verify_options, max_entries), "N",
		"refuse an archive with more entries"},
	{OPT_U64, 0, "threads", offsetof(struct verify_options, threads), "N",
		"as many threads (default: as many as CPUs are allowed)"},
	{OPT_FLAG, 'q', "quiet", offsetof(struct verify_options, quiet), NULL, "show no progress"},
	{0},
};

/* What was found out of one archive. */
struct verdict {
	const char *file;
	struct unpack_result result;
	struct manifest manifest;
	char sha256[DIGEST_TEXT];
};

static void on_progress(uint64_t bytes, void *ctx)
{
	progress_update(ctx, bytes);
}

static bool on_cancel(void *ctx)
{
	(void)ctx;
	return cancel_requested();
}

static int read_all(int fd, const struct verify_options *o, struct verdict *v, struct err *e)
{
	struct progress progress;
	struct unpack_request r = {
		.archive = fd,
		.name = v->file,
		.verify = true,
		.allow_devices = o->allow_devices,
		.limits = unpack_default_limits,
		.threads = cpus_threads(o->threads),
		.progress = on_progress,
		.cancelled = on_cancel,
		.ctx = &progress,
	};
	char what[300];
	struct stat st;
	int rc;

	if (o->max_bytes)
		r.limits.bytes = o->max_bytes;
	if (o->max_entries)
		r.limits.entries = o->max_entries;
	snprintf(what, sizeof(what), "verify '%.250s'", v->file);
	progress_start(&progress, what, fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0, o->quiet);
	rc = unpack_archive(&r, &v->result, e);
	progress_end(&progress);
	return rc;
}

/* A sidecar's digest is the SHA-256 of the whole file: such an archive has no index. */
static int compare(const struct verdict *v, struct err *e)
{
	const struct manifest *m = &v->manifest;

	if (!m->present || *v->result.digest)
		return 0;
	if (m->entries && m->entries != v->result.entries)
		return err_set(e, ERR_DATA, EBADMSG,
			"verify '%s': its manifest says %" PRIu64 " entries, there are %" PRIu64,
			v->file, m->entries, v->result.entries);
	if (m->bytes && m->bytes != v->result.bytes)
		return err_set(e, ERR_DATA, EBADMSG,
			"verify '%s': its manifest says %" PRIu64 " bytes, there are %" PRIu64,
			v->file, m->bytes, v->result.bytes);
	if (*m->digest && strcmp(m->digest, v->sha256) != 0)
		return err_set(e, ERR_DATA, EBADMSG,
			"verify '%s': its SHA-256 is %s, the manifest says %s", v->file, v->sha256,
			m->digest);
	return 0;
}

static int verify(
	const char *file, const struct verify_options *o, struct verdict *v, struct err *e)
{
	auto_close int fd = -1;
	int rc = fs_open(AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, e);

	*v = (struct verdict){.file = file};
	if (rc == 0)
		rc = read_all(fd, o, v, e);
	if (rc == 0)
		rc = digest_fd(fd, file, v->sha256, e);
	if (rc == 0)
		rc = manifest_read(AT_FDCWD, file, &v->manifest, e);
	return rc == 0 ? compare(v, e) : rc;
}

static void add_feature(const char *name, void *ctx)
{
	json_array_append_new(ctx, json_string(name));
}

static json_t *manifest_json(const struct manifest *m)
{
	json_t *features = json_array();

	if (!m->present) {
		json_decref(features);
		return json_null();
	}
	cpu_each_feature(m->arch, &m->features, add_feature, features);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:s}", "app", m->app, "key", m->key,
		"version", m->version, "created", (json_int_t)m->created, "arch",
		cpu_arch_name(m->arch), "march", m->march, "features", features, "entry", m->entry);
}

static json_t *verdict_json(const struct verdict *v, const struct err *e)
{
	if (e->kind != ERR_NONE)
		return json_pack(
			"{s:s, s:b, s:s}", "archive", v->file, "ok", false, "error", e->msg);
	return json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:s, s:s, s:o}", "archive", v->file, "ok",
		true, "format", v->result.format, "entries", (json_int_t)v->result.entries, "bytes",
		(json_int_t)v->result.bytes, "largest", (json_int_t)v->result.largest, "digest",
		v->result.digest, "sha256", v->sha256, "manifest", manifest_json(&v->manifest));
}

static void print_feature(const char *name, void *ctx)
{
	fprintf(ctx, " %s", name);
}

static void print_text(const struct verdict *v)
{
	const struct manifest *m = &v->manifest;
	char size[NUM_TEXT];

	printf("archive    %s: good\nformat     %s\n", v->file, v->result.format);
	printf("content    %" PRIu64 " entries, %s\n", v->result.entries,
		num_size_text(v->result.bytes, size));
	if (m->present) {
		printf("app        %s\nkey        %s\nversion    %s\narch       %s %s\nfeatures  ",
			m->app, *m->key ? m->key : "none", *m->version ? m->version : "none",
			cpu_arch_name(m->arch), m->march);
		cpu_each_feature(m->arch, &m->features, print_feature, stdout);
		printf("\n");
	}
	if (*v->result.digest)
		printf("digest     %s\n", v->result.digest);
	printf("sha256     %s\n", v->sha256);
}

/* All are looked at; the first failure is the command's. */
static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct verify_options *o = options;
	auto_json json_t *list = json_array();
	auto_json json_t *all = json_pack("{s:i, s:O?}", "format", 1, "archives", list);

	if (!list || !all)
		return err_oom(e);
	cancel_setup();
	for (int i = 0; i < operands->argc && !cancel_requested(); i++) {
		struct err sub = ERR_INIT;
		struct verdict v;

		if (verify(operands->argv[i], o, &v, &sub) < 0) {
			if (e->kind == ERR_NONE)
				*e = sub;
			else
				log_error("%s", sub.msg);
		} else if (!o->json) {
			print_text(&v);
		}
		if (o->json && json_array_append_new(list, verdict_json(&v, &sub)) < 0)
			return err_oom(e);
	}
	if (o->json) {
		struct err sub = ERR_INIT;

		if (json_print(all, stdout, &sub) < 0) {
			*e = sub;
			return -e->num;
		}
	}
	return e->kind == ERR_NONE ? 0 : -e->num;
}

const struct command cmd_verify = {
	.name = "verify",
	.operands = "ARCHIVE...",
	.summary = "check archives completely without writing anything",
	.opts = opts,
	.options_size = sizeof(struct verify_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
