/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "common/words.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define NAME_LEN 63
#define TEXT_LEN 127

#define HOUR (3600 * NSEC_PER_SEC)

int project_bad(const char *value, const char *cause, struct err *e)
{
	return err_set(e, ERR_CONFIG, EINVAL, "'%.80s' %s", value, cause);
}

int project_set(void *field, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (!copy)
		return err_oom(e);
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

bool project_is_of(const char *s, const char *first, const char *rest, size_t max)
{
	size_t len = strlen(s);

	return len > 0 && len <= max && strchr(first, *s) && strspn(s, rest) == len;
}

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	}
	return true;
}

int project_take_name(const char *value, void *field, struct err *e)
{
	if (!project_is_of(value, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._+-", NAME_LEN))
		return project_bad(value,
			"is not a name: use letters, digits and ._+-, a letter or digit first, at "
			"most 63",
			e);
	return project_set(field, value, e);
}

int project_take_word(const char *value, void *field, struct err *e)
{
	if (strpbrk(value, " \t"))
		return project_bad(value, "holds a blank", e);
	return project_take_text(value, field, e);
}

int project_take_text(const char *value, void *field, struct err *e)
{
	for (const char *s = value; *s; s++) {
		if (*s < ' ' || *s > '~')
			return project_bad(
				value, "holds a character that is not printable ASCII", e);
	}
	if (strlen(value) > TEXT_LEN)
		return project_bad(value, "is longer than 127 bytes", e);
	return project_set(field, value, e);
}

int project_take_path(const char *value, void *field, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_CONFIG, EINVAL, "the value is empty");
	if (!is_printable(value))
		return project_bad(value, "holds a control character", e);
	if (strlen(value) >= PATH_MAX)
		return project_bad(value, "is too long a path", e);
	return project_set(field, value, e);
}

int project_take_file(const char *value, void *field, struct err *e)
{
	auto_free char *path = NULL;
	int rc;

	if (!*value) {
		config_words_free(field);
		return 0;
	}
	rc = project_take_path(value, &path, e);
	return rc < 0 ? rc : config_words_add(field, path, strlen(path), e);
}

int project_take_inner(const char *value, void *field, struct err *e)
{
	const char *s = value;

	for (;;) {
		size_t len = strcspn(s, "/");

		if (len == 0 || (len == 1 && *s == '.') || (len == 2 && memcmp(s, "..", 2) == 0))
			return project_bad(value,
				"is not a path beneath that of the app: leave out '/' in front, "
				"'.' and '..'",
				e);
		if (!s[len])
			return project_take_text(value, field, e);
		s += len + 1;
	}
}

int project_one_of(const char *value, const char *const *word, unsigned *ret, struct err *e)
{
	char all[64] = "";

	for (unsigned i = 0; word[i]; i++) {
		size_t len = strlen(all);

		if (strcmp(word[i], value) == 0) {
			*ret = i;
			return 0;
		}
		snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "", word[i]);
	}
	return err_set(e, ERR_CONFIG, EINVAL, "'%.40s' is none of %s", value, all);
}

int project_take_provider(const char *value, void *field, struct err *e)
{
	static const char *const word[] = {
		[PROVIDER_EC2] = "ec2",
		[PROVIDER_SSH] = "ssh",
		[PROVIDER_LOCAL] = "local",
		NULL,
	};
	unsigned found;
	int rc = project_one_of(value, word, &found, e);

	if (rc == 0)
		*(enum provider *)field = (enum provider)found;
	return rc;
}

int project_number(const char *value, uint64_t min, uint64_t max, unsigned *ret, struct err *e)
{
	uint64_t n;
	int rc = num_u64(value, min, max, &n, e);

	if (rc == 0)
		*ret = (unsigned)n;
	return rc;
}

typedef int read_fn(const char *value, uint64_t *ret, struct err *e);

static int take_within(const char *value, read_fn *read, const struct project_range *r,
	uint64_t *ret, struct err *e)
{
	uint64_t n;
	int rc = read(value, &n, e);

	if (rc == 0 && (n < r->min || n > r->max))
		return project_bad(value, r->text, e);
	if (rc == 0)
		*ret = n;
	return rc;
}

int project_duration(const char *value, const struct project_range *r, uint64_t *ret, struct err *e)
{
	return take_within(value, num_duration, r, ret, e);
}

int project_size(const char *value, const struct project_range *r, uint64_t *ret, struct err *e)
{
	return take_within(value, num_size, r, ret, e);
}

int project_take_parallel(const char *value, void *field, struct err *e)
{
	return project_number(value, 1, 256, field, e);
}

int project_take_level(const char *value, void *field, struct err *e)
{
	return project_number(value, 1, 22, field, e);
}

int project_take_timeout(const char *value, void *field, struct err *e)
{
	static const struct project_range r = {
		NSEC_PER_SEC, 7 * 24 * HOUR, "is not between 1s and 7d"};

	return project_duration(value, &r, field, e);
}

/* What a shell would split, as its makers of command lines do. */
int project_take_flags(const char *value, void *field, struct err *e)
{
	auto_words struct words split = {0};
	int rc = words_split(value, &split, e);

	return rc < 0 ? rc : project_set(field, value, e);
}

static int check_env(const char *word, struct err *e)
{
	static const char *const ours[] = {"PREFIX", "TARGET", "FLAGSET"};
	static const char *const flags[] = {"CFLAGS", "CXXFLAGS", "FCFLAGS", "LDFLAGS"};
	const size_t len = strspn(word, LOWER UPPER DIGITS "_");

	if (len == 0 || strchr(DIGITS, *word) || word[len] != '=')
		return project_bad(word, "is not NAME=VALUE", e);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strlen(ours[i]) == len && memcmp(ours[i], word, len) == 0)
			return project_bad(word, "is set for each build: choose another name", e);
	}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strlen(flags[i]) == len && memcmp(flags[i], word, len) == 0)
			return project_bad(word, "belongs into a [flags NAME]", e);
	}
	return 0;
}

static int check_package(const char *word, struct err *e)
{
	if (!project_is_of(word, LOWER UPPER DIGITS "@", LOWER UPPER DIGITS "@.+_:~-", TEXT_LEN))
		return project_bad(word, "is not the name of a package", e);
	return 0;
}

int project_take_each(const struct project_taken *t, const char *value, void *field, struct err *e)
{
	struct config_words *w = field;
	const size_t before = w->len;
	int rc = t->list(value, field, e);

	for (size_t i = before; i < w->len && rc == 0; i++)
		rc = t->check(w->word[i], e);
	return rc;
}

int project_take_env(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_quoted, check_env};

	return project_take_each(&t, value, field, e);
}

int project_take_packages(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_package};

	return project_take_each(&t, value, field, e);
}
