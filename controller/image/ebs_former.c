/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ebs_upload.h"

#include "controller/image/image_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The image's file that an index is of: its length; 0: it is no index of such an image. */
static size_t image_of(const char *entry, const char *image)
{
	const size_t n = strlen(entry), k = strlen(EBS_UPLOAD_INDEX);
	const size_t name = image_name_undated(image);

	if (n <= k || strcmp(entry + n - k, EBS_UPLOAD_INDEX) != 0 ||
		(n - k == strlen(image) && strncmp(entry, image, n - k) == 0))
		return 0;
	return image_name_undated(entry) == name && strncmp(entry, image, name) == 0 ? n - k : 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

int ebs_former(const char *image, char ret[static PATH_MAX], struct err *e)
{
	const char *slash = strrchr(image, '/');
	const int folder = slash ? (int)(slash - image) : 0;
	char path[PATH_MAX];
	struct timespec newest = {0};
	DIR *d;

	*ret = '\0';
	snprintf(path, sizeof(path), "%.*s%s.", folder, image, slash ? "/" : "");
	d = opendir(path);
	if (!d)
		return err_errno(e, "'%s'", path);
	for (struct dirent *entry; (entry = readdir(d));) {
		size_t len = image_of(entry->d_name, slash ? slash + 1 : image);
		struct stat st;

		if (len == 0 || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode) || (*ret && !is_later(&st.st_mtim, &newest)) ||
			snprintf(path, sizeof(path), "%.*s%.*s", folder + !!slash, image, (int)len,
				entry->d_name) >= (int)sizeof(path))
			continue;
		newest = st.st_mtim;
		memcpy(ret, path, strlen(path) + 1);
	}
	closedir(d);
	return 0;
}
