/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/profile.h"

#include "common/fs.h"
#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define NO_SECTION SIZE_MAX

const char *profile_getenv(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return (*env)[len + 1] ? *env + len + 1 : NULL;
	}
	return NULL;
}

int profile_path(const char *const *env, const char *path, char ret[static PATH_MAX], struct err *e)
{
	const char *home = profile_getenv(env, "HOME");
	bool at_home = path[0] == '~' && path[1] == '/';
	int len;

	if (at_home && !home)
		return err_set(e, ERR_CONFIG, EINVAL, "'%s': HOME is not set", path);
	len = snprintf(ret, PATH_MAX, "%s%s", at_home ? home : "", at_home ? path + 1 : path);
	if (len < 0 || len >= PATH_MAX)
		return err_set(e, ERR_CONFIG, EINVAL, "'%.100s…' is too long for a path", path);
	return 0;
}

static int load(const char *const *env, const char *variable, const char *standard,
	struct profile_file *ret, struct err *e)
{
	auto_secret_buf struct buf text = BUF_INIT(INI_FILE_MAX);
	const char *path = profile_getenv(env, variable);
	struct stat st;
	int rc;

	if (!path && !profile_getenv(env, "HOME"))
		return 0;
	rc = profile_path(env, path ? path : standard, ret->path, e);
	if (rc < 0)
		return rc;
	if (stat(ret->path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	/* All at once: a buffer that grows leaves copies behind. */
	if (st.st_size < INI_FILE_MAX && buf_reserve(&text, (size_t)st.st_size + 1) < 0)
		return err_oom(e);
	rc = fs_read(AT_FDCWD, ret->path, &text, e);
	return rc == 0 ? ini_parse(&text, ret->path, &ret->ini, e) : rc;
}

/* The words of a section's name, as a shell would cut them; -1: a quote that does not end. */
static int split(const char *text, char *word[2], char *out)
{
	char quote = '\0';
	bool in_word = false;
	int n = 0;

	for (const char *c = text; *c; c++) {
		bool blank = !quote && strchr(" \t\r\n", *c);

		if (blank) {
			if (in_word)
				*out++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word && n < 2)
			word[n] = out;
		n += !in_word;
		in_word = true;
		if (!quote && (*c == '\'' || *c == '"')) {
			quote = *c;
		} else if (*c == quote) {
			quote = '\0';
		} else if (*c == '\\' && quote != '\'') {
			if (!*++c)
				return -1;
			if (quote && *c != '"' && *c != '\\')
				*out++ = '\\';
			*out++ = *c;
		} else {
			*out++ = *c;
		}
	}
	*out = '\0';
	return quote ? -1 : n;
}

/* "profile NAME" and the like. */
static bool is_named(const char *section, const char *prefix, const char *name)
{
	char *word[2];
	auto_free char *out = NULL;

	if (strncmp(section, prefix, strlen(prefix)) != 0)
		return false;
	out = malloc(2 * strlen(section) + 2);
	return out && split(section, word, out) == 2 && strcmp(word[1], name) == 0;
}

/* Of several that bear the name, by whatever quotes, the last one counts. */
static size_t find(const struct ini *i, const char *prefix, const char *name)
{
	bool standard = strcmp(prefix, "profile") == 0 && strcmp(name, "default") == 0;

	for (size_t s = i->n_sections; s-- > 0;) {
		if (is_named(i->section[s], prefix, name) ||
			(standard && strcmp(i->section[s], "default") == 0))
			return s;
	}
	return NO_SECTION;
}

/* In the credentials file the whole name of a section is the profile's. */
static size_t find_in(const struct profiles *p, const struct profile_file *file, const char *name)
{
	const struct ini *i = &file->ini;

	if (file == &p->config)
		return find(i, "profile", name);
	for (size_t s = 0; s < i->n_sections; s++) {
		if (*name && strcmp(i->section[s], name) == 0)
			return s;
	}
	return NO_SECTION;
}

bool profiles_have(const struct profiles *p, const char *name)
{
	return find_in(p, &p->config, name) != NO_SECTION ||
	       find_in(p, &p->credentials, name) != NO_SECTION;
}

const char *profiles_get_of(const struct profiles *p, const struct profile_file *file,
	const char *name, const char *key)
{
	size_t s = find_in(p, file, name);

	return s == NO_SECTION ? NULL : ini_get(&file->ini, s, key);
}

const char *profiles_get(const struct profiles *p, const char *name, const char *key)
{
	const char *value = profiles_get_of(p, &p->credentials, name, key);

	return value ? value : profiles_get_of(p, &p->config, name, key);
}

bool profiles_have_session(const struct profiles *p, const char *name)
{
	return find(&p->config.ini, "sso-session", name) != NO_SECTION;
}

const char *profiles_get_session(const struct profiles *p, const char *name, const char *key)
{
	size_t s = find(&p->config.ini, "sso-session", name);

	return s == NO_SECTION ? NULL : ini_get(&p->config.ini, s, key);
}

bool profiles_have_services(const struct profiles *p, const char *name)
{
	return find(&p->config.ini, "services", name) != NO_SECTION;
}

const char *profiles_get_service(
	const struct profiles *p, const char *name, const char *service, const char *key)
{
	size_t s = find(&p->config.ini, "services", name);

	return s == NO_SECTION ? NULL : ini_get_sub(&p->config.ini, s, service, key);
}

static int choose(const char *const *env, const char *chosen, struct profiles *p, struct err *e)
{
	const char *name = chosen;
	int len;

	if (!name)
		name = profile_getenv(env, "AWS_PROFILE");
	if (!name)
		name = profile_getenv(env, "AWS_DEFAULT_PROFILE");
	len = snprintf(p->name, sizeof(p->name), "%s", name ? name : "default");
	if (len < 0 || (size_t)len >= sizeof(p->name))
		return err_set(e, ERR_CONFIG, EINVAL, "'%.100s…' is too long for a profile", name);
	if (name && !profiles_have(p, name))
		return err_set(e, ERR_CONFIG, ENOENT,
			"profile '%s' is neither in '%s' nor in '%s': add [profile %s] or see "
			"AWS_PROFILE",
			name, p->config.path, p->credentials.path, name);
	return 0;
}

int profiles_load(const char *const *env, const char *chosen, struct profiles *ret, struct err *e)
{
	int rc;

	*ret = (struct profiles){0};
	rc = load(env, "AWS_CONFIG_FILE", "~/.aws/config", &ret->config, e);
	if (rc == 0)
		rc = load(env, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials",
			&ret->credentials, e);
	if (rc == 0)
		rc = choose(env, chosen, ret, e);
	if (rc < 0)
		profiles_free(ret);
	return rc;
}

void profiles_free(struct profiles *p)
{
	ini_free(&p->config.ini);
	ini_free(&p->credentials.ini);
}
