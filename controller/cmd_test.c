/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/num.h"
#include "controller/cmd.h"
#include "controller/image/prove.h"

#include <errno.h>
#include <inttypes.h>

#define CPUS_MAX   64
#define MEMORY_MIN (128 * MIB)

struct test_options {
	const char *project, *type;
	uint64_t mem, cpus, timeout;
	bool promote, quiet, json, debug_http;
};

static const struct test_options defaults = {
	.type = "", .mem = GIB, .cpus = 2, .timeout = PROVE_TIME};

#define AT(field) offsetof(struct test_options, field)

static const struct opt opts[] = {
	{OPT_STRING, 0, "project", AT(project), "PROJECT",
		"whose image it is: [image] check= is run too"},
	{OPT_STRING, 0, "type", AT(type), "TYPE", "it is to believe that it is this type of EC2"},
	{OPT_SIZE, 0, "mem", AT(mem), "SIZE", "memory of the guest (default 1G)"},
	{OPT_U64, 0, "cpus", AT(cpus), "N", "processors of the guest (default 2)"},
	{OPT_DURATION, 0, "timeout", AT(timeout), "TIME", "for all of it (default 15min)"},
	{OPT_FLAG, 0, "promote", AT(promote), NULL,
		"when all checks have passed, say so where others look for it"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL,
		"print every call of AWS, secrets hidden"},
	{OPT_FLAG, 'q', "quiet", AT(quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print the results as JSON"},
	{0},
};

static int check_options(const struct test_options *o, struct err *e)
{
	if (o->cpus < 1 || o->cpus > CPUS_MAX)
		return err_set(e, ERR_USAGE, ERANGE, "--cpus=%" PRIu64 " is not 1 to %d", o->cpus,
			CPUS_MAX);
	if (o->mem < MEMORY_MIN)
		return err_set(e, ERR_USAGE, ERANGE, "--mem is less than 128 MiB");
	return 0;
}

static int load(const struct test_options *o, const char *image, struct project *p, struct err *e)
{
	const char *path = o->project ? o->project : prove_is_ami(image) ? "." : NULL;
	int rc = check_options(o, e);

	if (rc < 0 || !path)
		return rc;
	rc = project_load(path, p, e);
	if (rc == 0 && !p->image.there)
		return err_set(e, ERR_CONFIG, ENOENT, "%s: there is no [image]", p->file);
	if (rc == 0 && prove_is_ami(image) && p->provider != PROVIDER_EC2)
		return err_set(e, ERR_CONFIG, EINVAL, "%s: '%s' is started with provider=ec2 alone",
			p->file, image);
	return rc;
}

/* What has failed is said by the error; the results are printed beside. */
static int print_verdict(const struct test_options *o, const struct proved *v, struct err *e)
{
	auto_json json_t *j = NULL;

	if (!o->json) {
		if (v->ok)
			printf("%s: %zu checks passed%s%s\n", v->image, v->results.n,
				*v->promoted ? ", promoted: " : "", v->promoted);
		return 0;
	}
	j = proved_json(v);
	if (!j || json_object_set_new(j, "format", json_integer(1)) < 0)
		return err_oom(e);
	return json_print(j, stdout, e);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct test_options *o = options;
	struct proved v = {0};
	auto_project struct project p = {0};
	struct err unprinted = ERR_INIT;
	struct show show;
	int rc = load(o, operands->argv[0], &p, e), bad = 0;

	if (rc < 0)
		return rc;
	cancel_setup();
	show_start(&show, o->quiet);
	rc = prove_image(&(struct prove){.project = p.file ? &p : NULL,
				 .image = operands->argv[0],
				 .ami = "",
				 .type = o->type,
				 .memory = o->mem,
				 .cpus = (unsigned)o->cpus,
				 .timeout = o->timeout,
				 .promote = o->promote,
				 .debug_http = o->debug_http,
				 .show = &show},
		&v, e);
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
