/* SPDX-License-Identifier: Apache-2.0 */
/* make BASE RESULT FORMAT SIZE ROOM [FOLDER…]: a disk image of BASE with what is in FOLDERs. Prints
 * each step. */
#include "common/auto.h"
#include "common/cancel.h"
#include "common/num.h"
#include "controller/disk/disk.h"
#include "controller/disk/disk_private.h"

#include <string.h>

static void say(void *ctx, const char *step)
{
	(void)ctx;
	printf("%s\n", step);
	fflush(stdout);
}

static int add(const struct disk *d, const char *folder, struct err *e)
{
	char from[PATH_MAX];
	const char *argv[] = {"cp", "-a", from, disk_root(d), NULL};

	snprintf(from, sizeof(from), "%s/.", folder);
	return disk_run(&(struct disk_command){.argv = argv}, e);
}

/* The root is an image's, on a device; one that is in a folder is none. */
static void print_mount(void)
{
	auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL;
	size_t cap = 0;

	while (f && getline(&line, &cap, f) >= 0) {
		if (strstr(line, ".partial/root "))
			printf("mount %s", line);
	}
}

static int make(int argc, char **argv, struct err *e)
{
	struct disk_options o = {.base = argv[1],
		.result = argv[2],
		.format = strcmp(argv[3], "qcow2") == 0 ? IMAGE_QCOW2 : IMAGE_RAW,
		.say = say};
	struct disk *d;
	int rc = num_size(argv[4], &o.size, e);

	if (rc == 0)
		rc = num_size(argv[5], &o.room, e);
	if (rc == 0)
		rc = disk_namespace(e);
	if (rc == 0)
		rc = disk_open(&o, &d, e);
	if (rc < 0)
		return rc;
	printf("arch %s\n", disk_arch(d));
	print_mount();
	for (int i = 6; i < argc && rc == 0; i++)
		rc = add(d, argv[i], e);
	if (rc == 0)
		rc = disk_make(d, e);
	disk_close(d);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 6)
		return 2;
	cancel_setup();
	if (make(argc, argv, &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", e.msg);
	return err_exit_code(&e);
}
