/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a bake, for tests/bake/run:
 *
 *   drive gather PROJECT ARCH           what is found: a line for each file, or the error
 *   drive fingerprint PROJECT ARCH BASE
 *   drive script PROJECT STEP RUN       the script of a step, its first time
 *   drive check NAME                    the script of a check of an image
 *   drive freeze ROOT RUN               the disk of a machine_root is held still, then let go
 *   drive run ROOT RUN COMMAND…         each on the same machine_root; "exit N"
 *   drive bake PROJECT ROOT NAME        all steps there: lines of progress, then "made DIGEST
 * UNSEEN"
 *
 * An error is "error KIND MESSAGE", and the kind the exit code.
 */
#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/child.h"
#include "controller/image/bake_run.h"
#include "controller/image/freeze.h"
#include "controller/image/image_test.h"
#include "controller/machine/machine_root.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define PATIENCE (60 * NSEC_PER_SEC)
#define TICK     (2 * NSEC_PER_MSEC)
#define RUN      "0190a5c4-0000-7000-8000-000000000001"

static void print_file(const char *what, const struct bake_file *f)
{
	if (f->path)
		printf("%s %s %o %" PRIu64 " %s\n", what, f->name, (unsigned)f->mode, f->bytes,
			f->digest);
}

static int gather(char **argv, struct bake *b, struct err *e)
{
	const char *archs[3];
	int rc = bake_archs(b->project, archs, e);

	(void)argv;
	for (size_t i = 0; rc == 0 && archs[i]; i++)
		printf("arch %s\n", archs[i]);
	for (size_t i = 0; i < b->n_archives; i++)
		print_file("archive", &b->archive[i].file);
	for (size_t i = 0; i < b->project->image.copy.len; i++)
		print_file("copy", &b->copy[i]);
	print_file("rpm", &b->rpm.file);
	print_file("agent", &b->agent);
	return rc;
}

static int fingerprint(char **argv, struct bake *b, struct err *e)
{
	char text[DIGEST_TEXT];
	int rc = bake_fingerprint(b, argv[4], text, e);

	if (rc == 0)
		puts(text);
	return rc;
}

/* argv: … PROJECT ARCH … */
static int with_bake(char **argv, int (*verb)(char **, struct bake *, struct err *), struct err *e)
{
	auto_project struct project p = {0};
	auto_bake struct bake b = {0};
	int rc = project_load(argv[2], &p, e);

	if (rc == 0)
		rc = bake_gather(&p, argv[3], &b, e);
	return rc < 0 ? rc : verb(argv, &b, e);
}

static int script(char **argv, struct err *e)
{
	auto_project struct project p = {0};
	auto_bake struct bake b = {0};
	auto_buf struct buf text = BUF_INIT(BAKE_SCRIPT_MAX);
	char here[128];
	const struct bake_place at = {.bake = &b, .run = argv[4], .here = here};
	int rc = project_load(argv[2], &p, e);

	if (rc < 0 || (rc = bake_gather(&p, "x86_64", &b, e)) < 0 || (rc = bake_here(here, e)) < 0)
		return rc;
	for (size_t i = 0; i < n_bake_steps && rc == 0; i++) {
		if (strcmp(bake_steps[i].name, argv[3]) == 0)
			rc = bake_step_script(&bake_steps[i], 0, &at, &text, e);
	}
	fputs(buf_str(&text), stdout);
	return rc;
}

static int check(const char *name, struct err *e)
{
	for (size_t i = 0; i < n_image_checks; i++) {
		if (image_checks[i].script && strcmp(image_checks[i].name, name) == 0) {
			printf("%s%s", image_check_start, image_checks[i].script);
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, EINVAL, "no such check");
}

static int reach(struct machine *m, enum machine_state state, struct err *e)
{
	const uint64_t deadline = clock_deadline(PATIENCE);
	int rc = 0;

	while (rc == 0 && m->state != state) {
		rc = machine_poll(m, e);
		if (rc == 0 && clock_left(deadline) == 0)
			rc = err_set(e, ERR_TRANSIENT, ETIMEDOUT, "timeout");
		clock_sleep(TICK, deadline);
	}
	return rc;
}

static int start(const char *root, const char *run, struct machine **ret, struct err *e)
{
	const struct machine_root_options o = {.name = "root", .root = root, .run = run};
	int rc = machine_root_new(&o, ret, e);

	if (rc == 0)
		rc = machine_start(*ret, e);
	return rc < 0 ? rc : reach(*ret, MACHINE_READY, e);
}

static int stop(struct machine *m, struct err *e)
{
	int rc = machine_stop(m, e);

	return rc < 0 ? rc : reach(m, MACHINE_GONE, e);
}

static int run(char **argv, struct err *e)
{
	struct machine *m = NULL;
	int status = 0, rc = start(argv[2], argv[3], &m, e);

	for (char **shell = argv + 4; rc == 0 && *shell; shell++) {
		const struct machine_command c = {.shell = *shell, .in = 0, .out = 1, .err = 2};
		pid_t pid;

		rc = machine_run(m, &c, &pid, e);
		if (rc == 0 && waitpid(pid, &status, 0) == pid)
			printf("exit %d\n", child_code(status));
		fflush(stdout);
	}
	if (rc == 0)
		rc = stop(m, e);
	machine_free(m);
	return rc;
}

static int freeze(char **argv, struct err *e)
{
	struct freeze f = FREEZE_INIT;
	struct machine *m = NULL;
	int rc = start(argv[2], argv[3], &m, e);

	if (rc == 0)
		rc = freeze_begin(m, &f, e);
	if (rc == 0)
		puts("still");
	freeze_end(&f);
	if (rc == 0)
		rc = stop(m, e);
	machine_free(m);
	return rc;
}

static void show(void *ctx, const struct bake_progress *p)
{
	char *last = ctx, line[512];

	snprintf(line, sizeof(line), "%zu/%zu %s %s", p->index, p->count, p->step, p->item);
	if (strcmp(line, last) != 0) {
		puts(line);
		fflush(stdout);
	}
	snprintf(last, sizeof(line), "%s", line);
}

static int bake(char **argv, struct err *e)
{
	auto_project struct project p = {0};
	auto_bake struct bake b = {0};
	struct machine *m = NULL;
	struct bake_made made;
	char last[512] = "", images[PATH_MAX];
	int rc = project_load(argv[2], &p, e);

	if (rc < 0 || (rc = bake_gather(&p, "x86_64", &b, e)) < 0 ||
		(rc = start(argv[3], RUN, &m, e)) < 0) {
		machine_free(m);
		return rc;
	}
	snprintf(images, sizeof(images), "%s/images", p.dist);
	rc = bake_provision(&(struct bake_job){.bake = &b,
				    .machine = m,
				    .run = RUN,
				    .origin = {.name = argv[4], .base = p.image.base},
				    .images = images,
				    .tmpdir = p.dir,
				    .deadline = clock_deadline(600 * NSEC_PER_SEC),
				    .progress = show,
				    .ctx = last},
		&made, e);
	if (rc == 0)
		rc = stop(m, e);
	if (rc == 0)
		printf("made %s %zu\n", made.digest, made.unseen);
	machine_free(m);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *verb = argc > 2 ? argv[1] : "";
	int rc;

	cancel_setup();
	if (strcmp(verb, "check") == 0)
		rc = check(argv[2], &e);
	else if (argc < 4)
		rc = err_set(&e, ERR_USAGE, EINVAL, "no such verb");
	else if (strcmp(verb, "freeze") == 0)
		rc = freeze(argv, &e);
	else if (strcmp(verb, "gather") == 0)
		rc = with_bake(argv, gather, &e);
	else if (strcmp(verb, "fingerprint") == 0 && argc == 5)
		rc = with_bake(argv, fingerprint, &e);
	else if (strcmp(verb, "script") == 0 && argc == 5)
		rc = script(argv, &e);
	else if (strcmp(verb, "run") == 0)
		rc = run(argv, &e);
	else if (strcmp(verb, "bake") == 0 && argc == 5)
		rc = bake(argv, &e);
	else
		rc = err_set(&e, ERR_USAGE, EINVAL, "no such verb");
	if (rc < 0)
		printf("error %d %s\n", err_exit_code(&e), e.msg);
	return rc < 0 ? err_exit_code(&e) : 0;
}
