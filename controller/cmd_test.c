/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/cmd.h"
#include "controller/image_test.h"
#include "controller/machine_qemu.h"
#include "controller/project.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define CPUS_MAX   64
#define MEMORY_MIN (128 * MIB)
#define INTERVAL   (200 * NSEC_PER_MSEC)

struct test_options {
	const char *project, *type;
	uint64_t mem, cpus, timeout;
	bool promote, quiet, json;
};

static const struct test_options defaults = {
	.type = "", .mem = GIB, .cpus = 2, .timeout = 900 * NSEC_PER_SEC};

#define AT(field) offsetof(struct test_options, field)

static const struct opt opts[] = {
	{OPT_STRING, 0, "project", AT(project), "PROJECT",
		"whose image it is: [image] check= is run too"},
	{OPT_STRING, 0, "type", AT(type), "TYPE", "it is to believe that it is this type of EC2"},
	{OPT_SIZE, 0, "mem", AT(mem), "SIZE", "memory of the guest (default 1G)"},
	{OPT_U64, 0, "cpus", AT(cpus), "N", "processors of the guest (default 2)"},
	{OPT_DURATION, 0, "timeout", AT(timeout), "TIME", "for all of it (default 15min)"},
	{OPT_FLAG, 0, "promote", AT(promote), NULL,
		"when all checks have passed, let NAME-current lead to it"},
	{OPT_FLAG, 'q', "quiet", AT(quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print the results as JSON"},
	{0},
};

struct testing {
	const struct test_options *o;
	const char *image;
	struct project project;
	struct machine *machine;
	struct image_results results;
	char folder[PATH_MAX], log[PATH_MAX], current[PATH_MAX];
	uint64_t began, drawn;
	bool terminal;
};

/* --- what is shown */

static void wipe(struct testing *t)
{
	if (t->drawn)
		fputs("\r\033[K", stderr);
	t->drawn = 0;
}

/* One line, redrawn: what goes on, and while it boots what the console says. */
static void draw(struct testing *t, const char *name)
{
	if (!t->terminal || clock_now() - t->drawn < INTERVAL)
		return;
	fprintf(stderr, "\r\033[K  %-8s %4" PRIu64 " s  %.50s", name,
		(uint64_t)((clock_now() - t->began) / NSEC_PER_SEC), t->machine->remark);
	t->drawn = clock_now();
}

static void on_check(void *ctx, const char *name, const struct image_result *r)
{
	struct testing *t = ctx;

	if (t->o->quiet)
		return;
	if (!r) {
		draw(t, name);
		return;
	}
	wipe(t);
	fprintf(stderr, "%-8s %-6s %5.1f s  %s\n", name, r->ok ? "ok" : "FAILED",
		(double)r->took / (double)NSEC_PER_SEC, r->detail);
}

static int print_results(const struct testing *t, bool ok, struct err *e)
{
	auto_json json_t *checks = image_test_json(&t->results);
	auto_json json_t *name = json_string_lossy(t->image);
	auto_json json_t *current = *t->current && ok ? json_string_lossy(t->current) : json_null();
	auto_json json_t *j = NULL;

	if (!checks || !name || !current)
		return err_oom(e);
	j = json_pack("{s:i, s:O, s:b, s:f, s:O, s:O}", "format", 1, "image", name, "ok", ok,
		"seconds", (double)(clock_now() - t->began) / (double)NSEC_PER_SEC, "promoted",
		current, "checks", checks);
	return j ? json_print(j, stdout, e) : err_oom(e);
}

/* --- to promote */

static bool all_digits(const char *text, size_t n)
{
	return strspn(text, "0123456789") >= n;
}

/* Without what an image's name ends in: "-20261126" or "-2026-11-26", then perhaps "-2". */
static size_t without_date(const char *name, size_t len)
{
	for (size_t i = 1; i + 8 < len; i++) {
		const char *date = name + i + 1;

		if (name[i] != '-')
			continue;
		if (all_digits(date, 8) || (i + 10 < len && all_digits(date, 4) && date[4] == '-' &&
						   all_digits(date + 5, 2) && date[7] == '-' &&
						   all_digits(date + 8, 2)))
			return i;
	}
	return len;
}

/* NAME-current, beside the image. */
static int set_current(struct testing *t, struct err *e)
{
	const struct project *p = &t->project;
	const char *slash = strrchr(t->image, '/');
	const char *file = slash ? slash + 1 : t->image;
	const char *name = t->o->project ? (*p->image.name ? p->image.name : p->name) : file;
	const char *dot = t->o->project ? NULL : strrchr(file, '.');
	size_t len = dot && dot > file ? (size_t)(dot - file) : strlen(name);

	if (!t->o->project)
		len = without_date(name, len);
	if (snprintf(t->current, sizeof(t->current), "%.*s%.*s-current", (int)(file - t->image),
		    t->image, (int)len, name) >= (int)sizeof(t->current))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", t->image);
	return 0;
}

/* At once, whatever it led to before. */
static int promote(const struct testing *t, struct err *e)
{
	const char *slash = strrchr(t->image, '/');
	char temporary[PATH_MAX + 8];
	struct stat st;

	if (lstat(t->current, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(
			e, ERR_USAGE, EEXIST, "'%s' is there, and no link: remove it", t->current);
	snprintf(temporary, sizeof(temporary), "%s.new", t->current);
	if ((unlink(temporary) < 0 && errno != ENOENT) ||
		symlink(slash ? slash + 1 : t->image, temporary) < 0 ||
		rename(temporary, t->current) < 0)
		return err_errno(e, "cannot make '%s'", t->current);
	return 0;
}

/* --- the test */

static int check_options(const struct test_options *o, struct err *e)
{
	if (o->cpus < 1 || o->cpus > CPUS_MAX)
		return err_set(e, ERR_USAGE, ERANGE, "--cpus=%" PRIu64 " is not 1 to %d", o->cpus,
			CPUS_MAX);
	if (o->mem < MEMORY_MIN)
		return err_set(e, ERR_USAGE, ERANGE, "--mem is less than 128 MiB");
	return 0;
}

static int load(struct testing *t, struct err *e)
{
	struct stat st;
	int rc = check_options(t->o, e);

	if (rc == 0 && t->o->project)
		rc = project_load(t->o->project, &t->project, e);
	if (rc == 0 && t->o->project && !t->project.image.there)
		rc = err_set(e, ERR_CONFIG, ENOENT, "%s: there is no [image]", t->project.file);
	if (rc < 0)
		return rc;
	if (stat(t->image, &st) < 0)
		return err_set(e, ERR_USAGE, errno, "image '%s': %s", t->image, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, EINVAL, "image '%s' is not a file", t->image);
	if (snprintf(t->folder, sizeof(t->folder), "%s.test.partial", t->image) >=
		(int)sizeof(t->folder))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", t->image);
	snprintf(t->log, sizeof(t->log), "%s.test.log", t->image);
	return t->o->promote ? set_current(t, e) : 0;
}

static int boot(struct testing *t, struct err *e)
{
	const struct machine_qemu_options o = {
		.name = t->image,
		.image = t->image,
		.type = t->o->type,
		.folder = t->folder,
		.log = t->log,
		.memory = t->o->mem,
		.cpus = (unsigned)t->o->cpus,
	};
	int rc = machine_qemu_new(&o, &t->machine, e);

	return rc < 0 ? rc : machine_start(t->machine, e);
}

static int test_file(struct testing *t, struct err *e)
{
	auto_close int log = -1;
	int rc = boot(t, e);

	if (rc < 0)
		return rc;
	/* The console is written there too, by the same machine. */
	log = open(t->log, O_WRONLY | O_APPEND | O_CLOEXEC);
	rc = image_test_run(
		&(struct image_test){
			.machine = t->machine,
			.check = t->o->project ? t->project.image.check : "",
			.deadline = clock_deadline(t->o->timeout),
			.log = log,
			.say = on_check,
			.ctx = t,
		},
		&t->results, e);
	wipe(t);
	if (rc == 0 && t->o->promote)
		rc = promote(t, e);
	return rc;
}

static int run_test(struct testing *t, struct err *e)
{
	int rc = load(t, e), bad;

	if (rc < 0)
		return rc;
	rc = test_file(t, e);
	machine_free(t->machine);
	/* What has failed is said by the error. */
	if (t->o->json && rc != -ECANCELED) {
		struct err unprinted = ERR_INIT;

		bad = print_results(t, rc == 0, &unprinted);
		if (rc == 0 && bad < 0) {
			*e = unprinted;
			return bad;
		}
	} else if (rc == 0) {
		printf("%s: %zu checks passed%s%s\n", t->image, t->results.n,
			t->o->promote ? ", promoted as " : "", t->current);
	}
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	auto_free struct testing *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return err_oom(e);
	cancel_setup();
	t->o = options;
	t->image = operands->argv[0];
	t->began = clock_now();
	t->terminal = isatty(STDERR_FILENO) == 1;
	rc = run_test(t, e);
	project_free(&t->project);
	return rc;
}

const struct command cmd_test = {
	.name = "test",
	.operands = "IMAGE",
	.summary = "boot an image and check that it does what it is for",
	.opts = opts,
	.options_size = sizeof(struct test_options),
	.defaults = &defaults,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
