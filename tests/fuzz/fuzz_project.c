/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as a project file. What is taken must be what the man page promises
 * to those who work with it. */
#include "common/auto.h"
#include "controller/project/project.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(int dir, const char *name, mode_t mode, const void *data, size_t size)
{
	auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

/* The folder of the project, made once. */
static int project_dir(const char *path)
{
	static int dir = -1;

	if (dir < 0) {
		dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			abort();
		(void)mkdirat(dir, "hello", 0755);
		write_file(dir, "hello/build", 0755, "", 0);
	}
	return dir;
}

static bool is_safe(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 64;
}

static void check_app(const struct project *p, const struct project_app *a)
{
	struct err e = ERR_INIT;
	struct target t;

	if (!is_safe(a->name) || *a->source != '/' || *a->script == '/' || a->targets.len == 0)
		abort();
	for (size_t i = 0; i < a->targets.len; i++) {
		if (project_target_find(p, a->targets.word[i], &t, &e) < 0 || !is_safe(t.name))
			abort();
	}
	for (size_t i = 0; i < a->flags.len; i++) {
		const struct project_flags *f = project_flags(p, a->flags.word[i]);

		if (!f || !is_safe(f->name) || !f->cflags || !f->cxxflags || !f->fcflags ||
			!f->ldflags)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = getenv("FUZZ_SCRATCH");
	auto_project struct project p = {0};
	struct err e = ERR_INIT;

	if (!path)
		abort();
	write_file(project_dir(path), PROJECT_FILE, 0644, data, size);
	if (project_load(path, &p, &e) < 0) {
		if (e.kind != ERR_CONFIG || !*e.msg)
			abort();
		return 0;
	}
	if (p.n_apps == 0 || !is_safe(p.name) || *p.dist != '/')
		abort();
	for (size_t i = 0; i < p.n_apps; i++)
		check_app(&p, &p.app[i]);
	return 0;
}
