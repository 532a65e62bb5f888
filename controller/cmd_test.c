/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/cmd.h"
#include "controller/image_show.h"
#include "controller/prove_file.h"

#include <errno.h>
#include <inttypes.h>

#define CPUS_MAX   64
#define MEMORY_MIN (128 * MIB)

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

/* What was proved, and how. */
struct verdict {
	const char *image;
	struct image_results results;
	char current[PATH_MAX];
	uint64_t began;
	bool ok;
};

static int print_json(const struct verdict *v, struct err *e)
{
	auto_json json_t *checks = image_test_json(&v->results);
	auto_json json_t *name = json_string_lossy(v->image);
	auto_json json_t *current = *v->current ? json_string_lossy(v->current) : json_null();
	auto_json json_t *j = NULL;

	if (!checks || !name || !current)
		return err_oom(e);
	j = json_pack("{s:i, s:O, s:b, s:f, s:O, s:O}", "format", 1, "image", name, "ok", v->ok,
		"seconds", (double)(clock_now() - v->began) / (double)NSEC_PER_SEC, "promoted",
		current, "checks", checks);
	return j ? json_print(j, stdout, e) : err_oom(e);
}

static int check_options(const struct test_options *o, struct err *e)
{
	if (o->cpus < 1 || o->cpus > CPUS_MAX)
		return err_set(e, ERR_USAGE, ERANGE, "--cpus=%" PRIu64 " is not 1 to %d", o->cpus,
			CPUS_MAX);
	if (o->mem < MEMORY_MIN)
		return err_set(e, ERR_USAGE, ERANGE, "--mem is less than 128 MiB");
	return 0;
}

static int prove(
	const struct test_options *o, const struct project *p, struct verdict *v, struct err *e)
{
	struct show show;
	struct image_show shown = {.show = &show};
	int rc;

	show_start(&show, o->quiet);
	rc = prove_file(
		&(struct prove_file){
			.project = p,
			.file = v->image,
			.type = o->type,
			.memory = o->mem,
			.cpus = (unsigned)o->cpus,
			.timeout = o->timeout,
			.promote = o->promote,
			.say = image_show_say,
			.ctx = &shown,
		},
		&v->results, v->current, e);
	show_end(&show, rc < 0);
	v->ok = rc == 0;
	return rc;
}

/* What has failed is said by the error; the results are printed beside. */
static int print_verdict(const struct test_options *o, const struct verdict *v, struct err *e)
{
	if (o->json)
		return print_json(v, e);
	if (v->ok)
		printf("%s: %zu checks passed%s%s\n", v->image, v->results.n,
			*v->current ? ", promoted as " : "", v->current);
	return 0;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct test_options *o = options;
	struct verdict v = {.image = operands->argv[0], .began = clock_now()};
	auto_project struct project p = {0};
	struct err unprinted = ERR_INIT;
	int rc = check_options(o, e), bad = 0;

	cancel_setup();
	if (rc == 0 && o->project)
		rc = project_load(o->project, &p, e);
	if (rc == 0 && o->project && !p.image.there)
		rc = err_set(e, ERR_CONFIG, ENOENT, "%s: there is no [image]", p.file);
	if (rc < 0)
		return rc;
	rc = prove(o, o->project ? &p : NULL, &v, e);
	if (rc == 0 || v.results.n > 0)
		bad = print_verdict(o, &v, &unprinted);
	if (rc == 0 && bad < 0) {
		*e = unprinted;
		return bad;
	}
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
