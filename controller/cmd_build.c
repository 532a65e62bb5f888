/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/build/build_print.h"
#include "controller/build/build_sources.h"
#include "controller/build/dist.h"
#include "controller/build/fleet.h"
#include "controller/build/report.h"
#include "controller/cmd.h"
#include "controller/money.h"
#include "controller/project/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (15 * 60 * NSEC_PER_SEC)

struct build_options {
	struct choice choice;
	const char *on_error, *resume;
	uint64_t parallel;
	bool keep, dry_run, debug_http, quiet, json;
};

static const struct build_options defaults = {.on_error = "keep"};

#define AT(field) offsetof(struct build_options, field)

static const struct opt opts[] = {
	{OPT_STRINGS, 0, "app", AT(choice.app), "NAME", "build this one only; may be given again"},
	{OPT_STRINGS, 0, "target", AT(choice.target), "NAME",
		"for this one only; may be given again"},
	{OPT_STRINGS, 0, "flags", AT(choice.flags), "NAME", "with these only; may be given again"},
	{OPT_U64, 'j', "parallel", AT(parallel), "N", "so many workers at a time"},
	{OPT_STRING, 0, "on-error", AT(on_error), "HOW",
		"when a build fails: keep (the others go on), stop or ask"},
	{OPT_FLAG, 0, "keep", AT(keep), NULL,
		"leave the instances of failed builds, to log in there"},
	{OPT_STRING, 0, "resume", AT(resume), "RUN", "go on with a run that was interrupted"},
	{OPT_FLAG, 'n', "dry-run", AT(dry_run), NULL, "print what would be built, and where"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL,
		"print every call of AWS, secrets hidden"},
	{OPT_FLAG, 'q', "quiet", AT(quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print the report as JSON"},
	{0},
};

/* What one command works with. */
struct building {
	const struct build_options *o;
	struct project project;
	struct matrix matrix;
	struct run run;
	struct supply supply;
	struct build_sources sources;
	int dist;      /* held for us */
	unsigned kept; /* machines that --keep leaves */
};

/* --- what the workers ask for */

static int open_agent(void *ctx, const char *arch, int *ret_fd, struct err *e)
{
	const struct building *b = ctx;
	auto_free char *path = NULL;
	int rc = project_agent(&b->project, arch, &path, e);

	return rc < 0 ? rc : fs_open(AT_FDCWD, path, O_RDONLY, 0, ret_fd, e);
}

static int open_source(void *ctx, const struct project_app *app, int *ret_fd, struct err *e)
{
	const struct building *b = ctx;

	return build_sources_open(&b->sources, app, ret_fd, e);
}

static int on_ended(void *ctx, const struct build *build, struct err *e)
{
	struct building *b = ctx;
	json_t *event;
	int rc = report_event(build, &event, e);

	return rc < 0 ? rc : journal_event(&b->run.journal, event, e);
}

/* --- before */

static int choose_on_error(const struct build_options *o, enum fleet_on_error *ret, struct err *e)
{
	static const char *const name[] = {
		[FLEET_KEEP] = "keep", [FLEET_STOP] = "stop", [FLEET_ASK] = "ask"};
	size_t i = 0;

	while (i < ARRAY_LEN(name) && strcmp(o->on_error, name[i]) != 0)
		i++;
	if (i == ARRAY_LEN(name))
		return err_set(e, ERR_USAGE, EINVAL,
			"--on-error='%s' is not one of keep, stop, ask", o->on_error);
	*ret = (enum fleet_on_error)i;
	if (*ret != FLEET_ASK)
		return 0;
	if (o->quiet)
		return err_set(e, ERR_USAGE, EINVAL,
			"--on-error=ask and --quiet: the question would not be seen");
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return err_set(
			e, ERR_USAGE, ENOTTY, "--on-error=ask: there is no terminal to ask on");
	return 0;
}

static int check_parallel(const struct build_options *o, struct err *e)
{
	if (o->parallel <= FLEET_MAX)
		return 0;
	return err_set(e, ERR_USAGE, ERANGE, "--parallel=%" PRIu64 " is more than %d workers",
		o->parallel, FLEET_MAX);
}

static int load(struct building *b, const char *path, struct err *e)
{
	const struct build_options *o = b->o;
	int rc = project_load(path, &b->project, e);

	if (rc < 0)
		return rc;
	if (o->keep && b->project.provider != PROVIDER_EC2)
		return err_set(e, ERR_USAGE, EINVAL,
			"--keep: only instances of EC2 can be kept, this is provider=%s",
			provider_name(b->project.provider));
	return choice_matrix(&o->choice, &b->project, &b->matrix, e);
}

/* Every agent that will be sent is there. */
static int check_agents(const struct building *b, struct err *e)
{
	for (size_t i = 0; i < b->matrix.n; i++) {
		auto_free char *path = NULL;
		int rc = project_agent(&b->project, b->matrix.build[i].target.arch, &path, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What it has left is where its machines were. */
static int check_provider(const struct building *b, struct err *e)
{
	const char *was = json_string_value(json_object_get(run_about(&b->run), "provider"));
	const char *is = provider_name(b->project.provider);

	if (!was || strcmp(was, is) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, EINVAL,
		"run %s was of provider=%s, the project has provider=%s: begin a new build, and remove "
		"what is left by 'controller gc --run %s'",
		b->run.id, was, is, b->run.id);
}

static int begin_run(struct building *b, struct err *e)
{
	return b->o->resume ? check_provider(b, e) : run_begin("build", &b->project, &b->run, e);
}

/* --- after */

static int finish(struct building *b, const struct report *r, struct err *e)
{
	auto_json json_t *report = NULL;
	int rc;

	if ((rc = report_json(r, &report, e)) < 0 ||
		(rc = dist_report(b->project.dist, report, e)) < 0)
		return rc;
	if (b->o->json)
		rc = json_print(report, stdout, e);
	else
		build_print_done(&b->project, &b->matrix, r->cost);
	return rc < 0 ? rc : matrix_verdict(&b->matrix, b->project.dist, e);
}

/* Machines that are kept are not to be cleared away. */
static int clear_run(struct building *b, struct err *e)
{
	return b->kept ? run_left(&b->run, e) : supply_end(&b->supply, &b->run, e);
}

/* Its folder is worth keeping where it knows of something that is left, or done. */
static void leave_run(struct building *b)
{
	struct err e = ERR_INIT;
	size_t done = matrix_count(&b->matrix, BUILD_DONE);

	if (journal_open_entries(&b->run.journal) > 0)
		return;
	if (done > 0 && done < b->matrix.n)
		log_info("'controller build --resume %s' does what is not done", b->run.id);
	else if (run_forget(&b->run, &e) < 0)
		log_warning("%s", e.msg);
}

static int build_all(struct building *b, enum fleet_on_error on_error, struct err *e)
{
	struct board board;
	struct report r = {.project = &b->project,
		.matrix = &b->matrix,
		.run = b->run.id,
		.started = date_now()};
	const struct worker_shop shop = {
		.run = b->run.id,
		.dist = b->project.dist,
		.agent = open_agent,
		.source = open_source,
		.ctx = b,
		.patience = PATIENCE,
		.keep = b->o->keep,
	};
	struct fleet fleet = {
		.shop = &shop,
		.supply = &b->supply,
		.matrix = &b->matrix,
		.board = &board,
		.parallel = (unsigned)(b->o->parallel ? b->o->parallel : b->project.parallel),
		.on_error = on_error,
		.max_cost = b->project.aws.max_cost,
		.ended = on_ended,
		.ctx = b,
	};
	struct err why = ERR_INIT;
	int rc;

	board_start(&board, b->o->quiet);
	rc = fleet_run(&fleet, &why);
	r.cost = fleet.spent;
	b->kept = fleet.kept;
	r.ended = date_now();
	if (rc < 0) {
		struct err ignored = ERR_INIT;

		(void)!finish(b, &r, &ignored);
		*e = why;
		return rc;
	}
	return finish(b, &r, e);
}

/* What a former controller of this run has left is removed first. */
static int open_supply(struct building *b, struct err *e)
{
	int rc = supply_open(&b->project, &b->run, b->o->debug_http, &b->supply, e);

	return rc < 0 ? rc : supply_clear(&b->supply, e);
}

static int build_run(struct building *b, const char *path, struct err *e)
{
	enum fleet_on_error on_error;
	struct err left = ERR_INIT;
	int rc;

	if ((rc = choose_on_error(b->o, &on_error, e)) < 0 || (rc = check_parallel(b->o, e)) < 0 ||
		(rc = load(b, path, e)) < 0)
		return rc;
	if (b->o->dry_run)
		return build_print_planned(&b->project, &b->matrix, b->o->json, e);
	if ((rc = check_agents(b, e)) < 0 || (rc = dist_enter(b->project.dist, &b->dist, e)) < 0 ||
		(rc = begin_run(b, e)) < 0)
		return rc;
	report_resume(&b->matrix, b->run.journal.events, b->project.dist);
	if ((rc = open_supply(b, e)) == 0) {
		rc = build_sources_pack(&b->sources, &b->project, &b->matrix, b->run.dir, e);
		if (rc == 0)
			rc = build_all(b, on_error, e);
		build_sources_close(&b->sources);
		if (clear_run(b, &left) < 0)
			log_warning("%s", left.msg);
	}
	leave_run(b);
	/* That something is left is what a script has to know of a build that went well. */
	if (rc == 0 && left.kind != ERR_NONE && b->kept == 0) {
		*e = left;
		rc = -left.num;
	}
	return rc;
}

static void building_free(struct building *b)
{
	build_sources_close(&b->sources);
	if (b->dist >= 0)
		close(b->dist);
	supply_close(&b->supply);
	run_close(&b->run);
	matrix_free(&b->matrix);
	project_free(&b->project);
}

/* The project of the run, unless one is named. */
static const char *project_of(const struct run *run)
{
	const char *file = json_string_value(json_object_get(run_about(run), "file"));

	return file ? file : ".";
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	struct building b = {.o = options, .run = RUN_INIT, .dist = -1};
	const char *path = operands->argc > 0 ? operands->argv[0] : ".";
	int rc = 0;

	cancel_setup();
	if (b.o->resume && (rc = run_open(b.o->resume, &b.run, e)) == 0 && operands->argc == 0)
		path = project_of(&b.run);
	if (rc == 0)
		rc = build_run(&b, path, e);
	building_free(&b);
	return rc;
}

const struct command cmd_build = {
	.name = "build",
	.operands = "[PROJECT]",
	.summary = "build every app for every target and flag set",
	.opts = opts,
	.options_size = sizeof(struct build_options),
	.defaults = &defaults,
	.max_operands = 1,
	.run = run,
};
