/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Release on scope exit: a variable declared with one of these owns what it holds, and take_fd() or
 * take_ptr() gives it away.
 */
#ifndef COMMON_AUTO_H
#define COMMON_AUTO_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))

static inline void auto_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void auto_close_fn(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void auto_dir_fn(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void auto_file_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define auto_free  __attribute__((cleanup(auto_free_fn)))
#define auto_close __attribute__((cleanup(auto_close_fn)))
#define auto_dir   __attribute__((cleanup(auto_dir_fn)))
#define auto_file  __attribute__((cleanup(auto_file_fn)))

/* Returns *fd and leaves -1 in it, so that its cleanup does nothing. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
