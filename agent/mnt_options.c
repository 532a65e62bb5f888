/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the tmpfs as text; nothing here asks the kernel. */
#include "agent/mnt_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void take(struct mnt_options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void take(struct mnt_options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->taken[o->n_taken++], MNT_OPTION_TEXT, fmt, ap);
	va_end(ap);
}

static void take_required(struct mnt_options *o, uint64_t size, uint64_t nr_inodes)
{
	take(o, "size=%" PRIu64, size);
	take(o, "nr_inodes=%" PRIu64, nr_inodes);
	take(o, "mode=0755");
}

/* Without a list it is all nodes with memory, which is what is meant; and a list with commas is cut
 * apart by what hands options on (libmount since 2.39). */
static void take_interleave(struct mnt_options *o, const char *nodes)
{
	if (strchr(nodes, ','))
		take(o, "mpol=interleave");
	else
		take(o, "mpol=interleave:%s", nodes);
}

void mnt_options_wanted(const struct tmpfs_plan *p, const char *context, struct mnt_options *ret)
{
	struct mnt_options o = {0};

	take_required(&o, p->size, p->nr_inodes);
	take(&o, "huge=%s", huge_policy_name(p->huge));
	take(&o, "noswap");
	if (*p->interleave)
		take_interleave(&o, p->interleave);
	if (context)
		take(&o, "rootcontext=%s", context);
	*ret = o;
}

void mnt_options_drop(struct mnt_options *o, unsigned i)
{
	memcpy(o->dropped[o->n_dropped++], o->taken[i], MNT_OPTION_TEXT);
	o->n_taken--;
	memmove(o->taken[i], o->taken[i + 1], (o->n_taken - i) * sizeof(o->taken[0]));
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_at_least(const struct mnt_kernel *k, unsigned major, unsigned minor)
{
	return k->major > major || (k->major == major && k->minor >= minor);
}

void mnt_options_drop_for(struct mnt_options *o, const struct mnt_kernel *k)
{
	for (unsigned i = o->n_taken; i-- > MNT_REQUIRED;) {
		const char *option = o->taken[i];

		if ((starts_with(option, "huge=") && !(k->huge_pages && is_at_least(k, 4, 7))) ||
			(strcmp(option, "noswap") == 0 && !is_at_least(k, 6, 4)) ||
			(starts_with(option, "rootcontext=") && !k->selinux))
			mnt_options_drop(o, i);
	}
}

/* A value with a comma (SELinux categories) stands in quotes, as mount(8) wants it. */
static int option_text(const char *option, char *out, size_t size)
{
	const char *equals = strchr(option, '=');

	if (!equals || !strchr(equals, ','))
		return snprintf(out, size, "%s,", option);
	return snprintf(out, size, "%.*s=\"%s\",", (int)(equals - option), option, equals + 1);
}

int mnt_options_text(const struct mnt_options *o, char *out, size_t size, struct err *e)
{
	size_t len = 0;

	for (unsigned i = 0; i <= o->n_taken && len < size; i++)
		len += (size_t)(i < o->n_taken ? option_text(o->taken[i], out + len, size - len)
					       : snprintf(out + len, size - len, "nosuid,nodev"));
	if (len >= size)
		return err_set(
			e, ERR_BUG, ENAMETOOLONG, "mount options: longer than %zu bytes", size - 1);
	return 0;
}

/* The end of one option: a comma outside quotes, and not one between nodes of mpol=. */
static const char *option_end(const char *p)
{
	bool nodes = starts_with(p, "mpol=");
	bool quoted = false;

	for (; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (*p == ',' && !quoted && !(nodes && p[1] >= '0' && p[1] <= '9'))
			break;
	}
	return p;
}

static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 127 || s[i] == '\\')
			return false;
	}
	return true;
}

/* Those that are ours and not said otherwise; the kernel's own (rw, inode64, seclabel …) go. */
static void take_again(struct mnt_options *o, const char *text, size_t len)
{
	char option[MNT_OPTION_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '"')
			option[n++] = text[i];
	}
	option[n] = '\0';
	if (o->n_taken == MNT_OPTIONS)
		return;
	if (starts_with(option, "mpol=interleave"))
		take_interleave(o, option[15] == ':' ? option + 16 : ",");
	else if (starts_with(option, "huge=") || strcmp(option, "noswap") == 0 ||
		 starts_with(option, "rootcontext="))
		take(o, "%s", option);
}

int mnt_options_again(
	const char *text, uint64_t size, uint64_t nr_inodes, struct mnt_options *ret, struct err *e)
{
	struct mnt_options o = {0};

	take_required(&o, size, nr_inodes);
	for (const char *p = text; *p;) {
		const char *end = option_end(p);
		size_t len = (size_t)(end - p);

		if (len >= MNT_OPTION_TEXT || !is_plain(p, len))
			return err_set(e, ERR_DATA, EBADMSG,
				"mount options: '%.64s' is not understood", p);
		take_again(&o, p, len);
		p = *end ? end + 1 : end;
	}
	*ret = o;
	return 0;
}
