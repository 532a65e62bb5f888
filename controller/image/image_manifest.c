/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_manifest.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define DIGEST (DIGEST_TEXT - 1)

/* clang-format off */
#define EXCLUDED(X) \
	X("run/*", "in memory once it is booted") \
	X("var/cache/*", "made again where it is missing; holds times and inode numbers") \
	X("var/lib/rpm/*", "the database of rpm holds times: the packages are listed below") \
	X("usr/lib/sysimage/rpm/*", "the same") \
	X("root/.rpmdb/*", "the same, as Debian has it") \
	X("var/lib/dnf/*", "a history with times") \
	X("var/lib/yum/*", "the same") \
	X("usr/lib/sysimage/libdnf5/*", "the same") \
	X("var/lib/docker/*", "images of containers, under names that are drawn") \
	X("var/lib/containers/*", "the same") \
	X("var/lib/containerd/*", "the same")
/* clang-format on */

#define PATTERN(path, why) path " "
const char image_manifest_excluded[] = EXCLUDED(PATTERN);

/* The bytes that are not read yet; every text in them ends with a NUL once it is taken. */
struct reader {
	char *at, *end;
};

static int bad(const char *why, struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG, "the machine's list of its files %s", why);
}

/* NULL: nothing ends there any more. */
static char *take(struct reader *r, char end)
{
	char *text = r->at, *stop = memchr(text, end, (size_t)(r->end - text));

	if (!stop)
		return NULL;
	*stop = '\0';
	r->at = stop + 1;
	return text;
}

static int add_entry(struct image_manifest *m, size_t *cap, struct err *e)
{
	if (m->n == *cap) {
		const size_t more = *cap ? *cap * 2 : 4096;
		struct image_entry *grown = reallocarray(m->entry, more, sizeof(*grown));

		if (!grown)
			return err_oom(e);
		m->entry = grown;
		*cap = more;
	}
	m->entry[m->n++] = (struct image_entry){0};
	return 0;
}

/* "TYPE MODE UID GID SIZE", written as we would write it. */
static bool read_head(const char *head, struct image_entry *x)
{
	char again[64];

	if (sscanf(head, "%c %o %u %u %" SCNu64, &x->type, &x->mode, &x->uid, &x->gid, &x->size) !=
		5)
		return false;
	snprintf(again, sizeof(again), "%c %o %u %u %" PRIu64, x->type, x->mode, x->uid, x->gid,
		x->size);
	if (x->type != 'f')
		x->size = 0;
	return strcmp(again, head) == 0 && strchr("fdlcbps", x->type);
}

/* That, path, target: each ends with a NUL; an empty one ends all. */
static int read_entries(struct reader *r, struct image_manifest *m, struct err *e)
{
	const char *head;
	size_t cap = 0;

	while ((head = take(r, '\0')) && *head) {
		struct image_entry *x;
		int rc = add_entry(m, &cap, e);

		if (rc < 0)
			return rc;
		x = &m->entry[m->n - 1];
		x->path = take(r, '\0');
		x->target = x->path ? take(r, '\0') : NULL;
		if (!x->target || !read_head(head, x))
			return bad("has an entry that is none", e);
	}
	return head ? 0 : bad("ends in the middle of its entries", e);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct image_entry *)a)->path, ((const struct image_entry *)b)->path);
}

static void sort(struct image_manifest *m)
{
	if (m->n > 1)
		qsort(m->entry, m->n, sizeof(*m->entry), by_path);
}

/* As sha256sum(1) escapes a name, in place. */
static bool unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		switch (*++from) {
		case 'n':
			*to++ = '\n';
			break;
		case 'r':
			*to++ = '\r';
			break;
		case '\\':
			*to++ = '\\';
			break;
		default:
			return false;
		}
	}
	*to = '\0';
	return true;
}

/* "DIGEST  ./PATH", with a backslash before where the path is escaped. */
static int read_digest(char *line, struct image_manifest *m, struct err *e)
{
	const bool escaped = *line == '\\';
	char *digest = line + escaped, *path = digest + DIGEST + 4;
	struct image_entry key, *found;

	if (strlen(digest) < DIGEST + 4 || strspn(digest, "0123456789abcdef") != DIGEST ||
		memcmp(digest + DIGEST, "  ./", 4) != 0 || (escaped && !unescape(path)))
		return bad("has a digest that is none", e);
	digest[DIGEST] = '\0';
	key.path = path;
	found = m->n ? bsearch(&key, m->entry, m->n, sizeof(key), by_path) : NULL;
	if (!found || found->type != 'f')
		return bad("has the digest of what it does not name", e);
	found->digest = digest;
	return 0;
}

static int read_digests(struct reader *r, struct image_manifest *m, struct err *e)
{
	char *line;
	int rc = 0;

	while (rc == 0 && (line = take(r, '\n')) && *line)
		rc = read_digest(line, m, e);
	if (rc < 0)
		return rc;
	if (!line)
		return bad("ends in the middle of its digests", e);
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].type == 'f' && !m->entry[i].digest)
			return bad("lacks the digest of a file", e);
	}
	return 0;
}

static int add_package(struct image_manifest *m, const struct image_package *p, struct err *e)
{
	struct image_package *grown =
		reallocarray(m->package, m->n_packages + 1, sizeof(*m->package));

	if (!grown)
		return err_oom(e);
	m->package = grown;
	m->package[m->n_packages++] = *p;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct image_package *x = a, *y = b;
	int order = strcmp(x->manager, y->manager);

	if (order == 0)
		order = strcmp(x->name, y->name);
	if (order == 0)
		order = strcmp(x->arch, y->arch);
	return order ? order : strcmp(x->version, y->version);
}

/* "dpkg NAME VERSION ARCH", and one "os ID VERSION -". */
static int read_packages(struct reader *r, struct image_manifest *m, struct err *e)
{
	char *line;

	while ((line = take(r, '\n')) && strcmp(line, "end") != 0) {
		struct image_package p = {0};
		int rc = 0;

		p.manager = strsep(&line, " ");
		p.name = strsep(&line, " ");
		p.version = strsep(&line, " ");
		p.arch = line;
		if (!p.arch || strchr(p.arch, ' '))
			return bad("has a package that is none", e);
		if (strcmp(p.manager, "os") == 0) {
			m->os = p.name;
			m->os_version = p.version;
		} else {
			rc = add_package(m, &p, e);
		}
		if (rc < 0)
			return rc;
	}
	if (!line || r->at != r->end || !m->os)
		return bad("ends in the middle of its packages", e);
	if (m->n_packages > 1)
		qsort(m->package, m->n_packages, sizeof(*m->package), by_name);
	return 0;
}

int image_manifest_read(struct buf *list, struct image_manifest *ret, struct err *e)
{
	const size_t len = list->len;
	struct reader r;
	int rc;

	*ret = (struct image_manifest){.text = buf_take(list)};
	if (!ret->text)
		return err_oom(e);
	r = (struct reader){.at = ret->text, .end = ret->text + len};
	rc = read_entries(&r, ret, e);
	if (rc < 0)
		return rc;
	sort(ret);
	rc = read_digests(&r, ret, e);
	return rc < 0 ? rc : read_packages(&r, ret, e);
}

void image_manifest_free(struct image_manifest *m)
{
	free(m->text);
	free(m->entry);
	free(m->package);
	*m = (struct image_manifest){0};
}

/* --- as a text */

/* One word for people and awk, whatever the name holds. */
static void print_word(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p <= ' ' || *p > '~' || *p == '\\')
			fprintf(out, "\\%03o", *p);
		else
			putc(*p, out);
	}
}

/* The rest of a line. */
static void print_words(FILE *out, const char *const *word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		putc(' ', out);
		print_word(out, word[i]);
	}
	putc('\n', out);
}

static void print_head(FILE *out, const struct image_manifest *m)
{
	static const struct {
		const char *path, *why;
	} excluded[] = {
#define ROW(path, why) {path, why},
		EXCLUDED(ROW)
#undef ROW
	};

	fputs("# An image of shared-prep: its root file system, then its packages.\n"
	      "# TYPE MODE UID GID SIZE SHA-256-OR-TARGET PATH; what is no printable character of\n"
	      "# ASCII is \\ooo. Times, hard links and extended attributes are not listed.\n"
	      "# Of /etc/shadow and /etc/shadow- the digest is without the days of change.\n"
	      "# Not listed, as it differs from image to image:\n",
		out);
	for (size_t i = 0; i < ARRAY_LEN(excluded); i++)
		fprintf(out, "#   /%s: %s\n", excluded[i].path, excluded[i].why);
	fputs("os", out);
	print_words(out, (const char *const[]){m->os, m->os_version}, 2);
}

static void print_entry(FILE *out, const struct image_entry *x)
{
	fprintf(out, "%c %04o %u %u ", x->type, x->mode, x->uid, x->gid);
	if (x->type == 'f')
		fprintf(out, "%" PRIu64 " %s", x->size, x->digest);
	else
		fputs("- ", out);
	if (x->type == 'l')
		print_word(out, x->target);
	else if (x->type != 'f')
		putc('-', out);
	fputs(" /", out);
	print_word(out, x->path);
	putc('\n', out);
}

int image_manifest_write(const struct image_manifest *m, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return err_oom(e);
	print_head(out, m);
	for (size_t i = 0; i < m->n; i++)
		print_entry(out, &m->entry[i]);
	for (size_t i = 0; i < m->n_packages; i++) {
		const struct image_package *p = &m->package[i];

		fputs("package", out);
		print_words(
			out, (const char *const[]){p->manager, p->name, p->version, p->arch}, 4);
	}
	failed = ferror(out);
	if (fclose(out) != 0 || failed)
		return err_oom(e);
	return fs_write_atomic(AT_FDCWD, path, 0644, text, len, e);
}
