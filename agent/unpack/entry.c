/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/entry.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The last id means "leave it" to chown(2). */
#define ID_MAX (UINT32_MAX - 1)

const char *entry_kind_name(enum entry_kind k)
{
	static const char *const name[] = {
		[ENTRY_FILE] = "file",
		[ENTRY_DIR] = "directory",
		[ENTRY_SYMLINK] = "symbolic link",
		[ENTRY_HARDLINK] = "hard link",
		[ENTRY_FIFO] = "FIFO",
		[ENTRY_CHAR] = "character device",
		[ENTRY_BLOCK] = "block device",
		[ENTRY_OTHER] = "entry of an unknown kind",
	};

	return name[k];
}

/* Adds s[0..len) to out, escaped, as far as there is room. */
static size_t escape(const char *s, size_t len, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (used + 5 > room)
			break;
		if (c < ' ' || c == 0x7f || c == '\\')
			used += (size_t)snprintf(out + used, room - used, "\\%03o", c);
		else
			out[used++] = (char)c;
	}
	return used;
}

const char *entry_quote(const char *name, char out[static ENTRY_QUOTE])
{
	const size_t part = 60;
	size_t len = strlen(name);
	size_t used = 1;

	out[0] = '\'';
	if (len <= 2 * part) {
		used += escape(name, len, out + used, ENTRY_QUOTE - 2 - used);
	} else {
		used += escape(name, part, out + used, ENTRY_QUOTE / 2);
		memcpy(out + used, "...", 3);
		used += 3;
		used += escape(name + len - part, part, out + used, ENTRY_QUOTE - 2 - used);
	}
	out[used] = '\'';
	out[used + 1] = '\0';
	return out;
}

int entry_path(const char *raw, char out[static ENTRY_PATH], const char **ret_why)
{
	size_t used = 0;

	if (raw[0] == '/') {
		*ret_why = "is absolute";
		return -EPERM;
	}
	while (*raw) {
		size_t len = strcspn(raw, "/");

		if (len == 2 && memcmp(raw, "..", 2) == 0) {
			*ret_why = "contains '..'";
			return -EPERM;
		}
		if (len > NAME_MAX || used + len + 2 > ENTRY_PATH) {
			*ret_why = len > NAME_MAX ? "has a component longer than 255 bytes"
						  : "is longer than 4095 bytes";
			return -ENAMETOOLONG;
		}
		if (len > 0 && !(len == 1 && raw[0] == '.')) {
			if (used)
				out[used++] = '/';
			memcpy(out + used, raw, len);
			used += len;
		}
		raw += len + strspn(raw + len, "/");
	}
	out[used] = '\0';
	return 0;
}

static int refuse(struct err *e, int num, const struct entry *n, const char *why)
{
	char name[ENTRY_QUOTE];

	return err_set(e, ERR_DATA, num, "%s %s", entry_quote(n->path, name), why);
}

/* Leaves out the top directory; an entry beside it is refused. */
static int strip(char *path, const char *top)
{
	size_t len = strlen(top);

	if (!*path)
		return 0;
	if (strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
		return -EPERM;
	len += path[len] == '/';
	memmove(path, path + len, strlen(path + len) + 1);
	return 0;
}

static int check_kind(const struct entry *n, const struct entry_rules *r, struct err *e)
{
	bool device = n->kind == ENTRY_CHAR || n->kind == ENTRY_BLOCK || n->kind == ENTRY_FIFO;
	char why[64];

	if (n->kind == ENTRY_OTHER || (device && !r->allow_devices)) {
		snprintf(why, sizeof(why), "is a %s", entry_kind_name(n->kind));
		return refuse(e, EPERM, n, n->kind == ENTRY_OTHER ? "is of an unknown kind" : why);
	}
	if (n->kind != ENTRY_FILE && n->size > 0)
		return refuse(e, EINVAL, n, "has content although it is no file");
	return 0;
}

static int check_numbers(const struct entry *n, struct err *e)
{
	if (n->uid > ID_MAX || n->gid > ID_MAX)
		return refuse(e, EINVAL, n, "has an owner that is no user or group number");
	if (n->size > INT64_MAX)
		return refuse(e, EFBIG, n, "has a size that no file can have");
	if (n->mtime.tv_nsec < 0 || n->mtime.tv_nsec > 999999999)
		return refuse(e, EINVAL, n, "has a time that is none");
	return 0;
}

static int check_paths(struct entry *n, const struct entry_rules *r, struct err *e)
{
	const char *why = NULL;
	char text[96];
	int rc = entry_path(n->path, n->path_text, &why);

	if (rc < 0)
		return refuse(e, -rc, n, why);
	if (n->kind == ENTRY_HARDLINK) {
		rc = entry_path(n->link, n->link_text, &why);
		snprintf(text, sizeof(text), "is a hard link to a name that %s", why ? why : "");
		if (rc < 0)
			return refuse(e, -rc, n, text);
	}
	if (r->strip && (strip(n->path_text, r->strip) < 0 ||
				(n->kind == ENTRY_HARDLINK && strip(n->link_text, r->strip) < 0)))
		return refuse(e, EPERM, n, "lies beside the archive's top directory");
	if (!*n->path_text && n->kind != ENTRY_DIR)
		return refuse(e, EPERM, n, "would replace the top directory");
	if (n->kind == ENTRY_HARDLINK && (!*n->link_text || !strcmp(n->link_text, n->path_text)))
		return refuse(e, EPERM, n, "is a hard link to itself or to the top directory");
	return 0;
}

int entry_refuse_through(struct err *e, const char *path, size_t prefix_len, bool by_link)
{
	char prefix[ENTRY_PATH], a[ENTRY_QUOTE], b[ENTRY_QUOTE];

	snprintf(prefix, sizeof(prefix), "%.*s", (int)prefix_len, path);
	return err_set(e, ERR_DATA, by_link ? ELOOP : ENOTDIR,
		"%s would be written through %s, which is %s", entry_quote(path, a),
		entry_quote(prefix, b), by_link ? "a symbolic link" : "no directory");
}

int entry_refuse_replace(struct err *e, const char *path)
{
	char a[ENTRY_QUOTE];

	return err_set(e, ERR_DATA, ENOTEMPTY, "%s would replace a directory that is not empty",
		entry_quote(path, a));
}

int entry_refuse_twice(struct err *e, const char *path)
{
	char a[ENTRY_QUOTE];

	return err_set(e, ERR_DATA, EEXIST, "%s comes twice", entry_quote(path, a));
}

int entry_refuse_more(struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG, "it holds more than its manifest says");
}

int entry_refuse_target(struct err *e, const struct entry *n, bool exists)
{
	char a[ENTRY_QUOTE], b[ENTRY_QUOTE];

	return err_set(e, ERR_DATA, exists ? EPERM : ENOENT, "%s is a hard link to %s, %s",
		entry_quote(n->path, a), entry_quote(n->link, b),
		exists ? "which is no file" : "which the archive has not brought");
}

static int check_symlink(const struct entry *n, struct err *e)
{
	size_t len = strlen(n->link);

	if (len == 0 || len >= ENTRY_PATH)
		return refuse(e, EINVAL, n, "is a symbolic link to no name or a too long one");
	return 0;
}

int entry_check(struct entry *n, const struct entry_rules *r, struct err *e)
{
	int rc;

	if (!n->path || !*n->path)
		return err_set(e, ERR_DATA, EINVAL, "an entry has no name");
	if ((n->kind == ENTRY_SYMLINK || n->kind == ENTRY_HARDLINK) && !n->link)
		return refuse(e, EINVAL, n, "is a link to no name");
	rc = check_kind(n, r, e);
	if (rc == 0)
		rc = check_numbers(n, e);
	if (rc == 0)
		rc = check_paths(n, r, e);
	if (rc == 0 && n->kind == ENTRY_SYMLINK)
		rc = check_symlink(n, e);
	if (rc < 0)
		return rc;
	n->path = n->path_text;
	if (n->kind == ENTRY_HARDLINK)
		n->link = n->link_text;
	if (n->kind == ENTRY_FILE && !r->keep_suid)
		n->mode &= ~(mode_t)(S_ISUID | S_ISGID);
	return 0;
}
