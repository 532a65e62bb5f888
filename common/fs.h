/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files beneath a root: rootfd is "/" or what --root names; a path is resolved inside it (a leading
 * slash means that root, symlinks cannot leave it: openat2 RESOLVE_IN_ROOT, plain openat before
 * Linux 5.6). AT_FDCWD as rootfd means no root: ordinary paths. Errors are of kind system and name
 * the path.
 */
#ifndef COMMON_FS_H
#define COMMON_FS_H

#include "common/buf.h"
#include "common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* O_PATH descriptor of a root directory. */
must_check int fs_root(const char *path, int *ret_fd, struct err *e);

/* O_CLOEXEC is added. -ENOENT is returned with *e filled, like any other error. */
must_check int fs_open(
	int rootfd, const char *path, int flags, mode_t mode, int *ret_fd, struct err *e);

/* A regular file, to read; anything else is kind data, and is not even opened: a device might do
 * something then. */
must_check int fs_open_file(int rootfd, const char *path, int *ret_fd, struct err *e);

/* Links cannot lead out of a root: for what others have made this must be so. */
bool fs_confines(void);

/* O_PATH descriptor of the directory that holds path, and the last component of path, which need
 * not exist; -EINVAL when that is "", "." or "..". */
must_check int fs_open_parent(int rootfd, const char *path, int *ret_fd,
	char ret_name[static NAME_MAX + 1], struct err *e);

/* The whole file, added to out; longer than out->max is -EFBIG, kind data, and out is as before. */
must_check int fs_read(int rootfd, const char *path, struct buf *out, struct err *e);
must_check int fs_read_fd(int fd, const char *name, struct buf *out, struct err *e);

/* The first line without its newline and surrounding blanks, at most 4095 bytes. */
must_check int fs_read_line(int rootfd, const char *path, char *out, size_t size, struct err *e);

bool fs_exists(int rootfd, const char *path);

/* A new file with this content and exactly this mode under its name at once: written as
 * ".NAME.new", fsync, rename. One writer at a time; what a kill leaves is gone after the next. */
must_check int fs_write_atomic(
	int rootfd, const char *path, mode_t mode, const void *data, size_t len, struct err *e);

/* The same, but a file that has this content already stays as it is, also where there is no space
 * left for another. */
must_check int fs_write_changed(
	int rootfd, const char *path, mode_t mode, const struct buf *text, struct err *e);

/* A file without a name, for what is temporary, in a folder. Not O_TMPFILE, which overlayfs has had
 * since Linux 6.1 only. */
must_check int fs_open_nameless(const char *dir, int *ret_fd, struct err *e);

/* All of len; short writes are continued. Returns -errno only. */
must_check int fs_write_all(int fd, const void *data, size_t len);

/* Each directory that is made has exactly this mode, whatever the umask. */
must_check int fs_mkdir_p(int rootfd, const char *path, mode_t mode, struct err *e);

/* Removes path with all it holds, of any depth, never following a link at its end or beneath, nor
 * crossing a mount (-EXDEV); absent is success. Directories that are closed to the owner are
 * opened.
 */
must_check int fs_remove_tree(int rootfd, const char *path, struct err *e);

#endif
