/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into nbdfuse: 64 threads instead of libfuse's ten, which would allow but ten reads of
 * 128 KiB at once. It has no option for that. libfuse before 3.12 has no such limit and needs this
 * not; there the function is never called.
 */
#include <dlfcn.h>
#include <stdlib.h>

#define THREADS 64

struct fuse;
struct fuse_loop_config;

int fuse_loop_mt_32(struct fuse *f, void *config);

static void *libfuse(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort();
	return p;
}

int fuse_loop_mt_32(struct fuse *f, void *config)
{
	struct fuse_loop_config *(*create)(void) = libfuse("fuse_loop_cfg_create");
	void (*set_max)(struct fuse_loop_config *, unsigned) =
		libfuse("fuse_loop_cfg_set_max_threads");
	void (*set_idle)(struct fuse_loop_config *, unsigned) =
		libfuse("fuse_loop_cfg_set_idle_threads");
	int (*loop)(struct fuse *, struct fuse_loop_config *) = libfuse("fuse_loop_mt_312");
	struct fuse_loop_config *c = create();

	(void)config;
	set_max(c, THREADS);
	set_idle(c, THREADS);
	return loop(f, c);
}
