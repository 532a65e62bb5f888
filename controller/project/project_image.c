/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/project_private.h"

#include "common/num.h"
#include "controller/project/base.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A snapshot is made at the speed of its volume; for the minutes that it takes this costs cents. */
#define IOPS       4000
#define THROUGHPUT 1000

/* Of gp3, MiB/s for each I/O operation in a second: Amazon EBS User Guide. */
#define IOPS_PER_THROUGHPUT 4

#define BOOTSTRAP "debian:"

int project_image_defaults(struct project *p, struct err *e)
{
	struct image_spec *i = &p->image;
	const struct {
		char **text;
		const char *otherwise;
	} rows[] = {
		{&i->name, p->name},
		{&i->base, p->provider == PROVIDER_EC2 ? p->aws.base : ""},
		{&i->flags, PROJECT_DEFAULT_FLAGS},
		{&i->config, ""},
		{&i->login, ""},
		{&i->before, ""},
		{&i->after, ""},
		{&i->check, ""},
		{&i->kms_key, ""},
		{&i->parameter, ""},
	};
	int rc = 0;

	for (size_t k = 0; k < ARRAY_LEN(rows) && rc == 0; k++) {
		if (!*rows[k].text)
			rc = project_set(rows[k].text, rows[k].otherwise, e);
	}
	if (i->iops == 0)
		i->iops = IOPS;
	if (i->throughput == 0)
		i->throughput = THROUGHPUT;
	return rc;
}

static bool is_bootstrap(const char *base)
{
	return strncmp(base, BOOTSTRAP, strlen(BOOTSTRAP)) == 0;
}

int project_image_paths(struct project *p, struct err *e)
{
	struct image_spec *i = &p->image;
	char **one[] = {&i->config, &i->login, &i->before, &i->after, &i->check};
	struct config_words *many[] = {&i->rpm, &i->repositories, &i->copy};
	int rc = 0;

	if (p->provider != PROVIDER_EC2 && !is_bootstrap(i->base))
		rc = project_make_absolute(p, &i->base, e);
	for (size_t k = 0; k < ARRAY_LEN(one) && rc == 0; k++)
		rc = project_make_absolute(p, one[k], e);
	for (size_t k = 0; k < ARRAY_LEN(many); k++) {
		for (size_t n = 0; n < many[k]->len && rc == 0; n++)
			rc = project_make_absolute(p, &many[k]->word[n], e);
	}
	return rc;
}

static int blame(const struct project_checking *c, const char *key, const char *word)
{
	return project_blame(c, (struct project_place){"image", key, word});
}

static int check_file(const struct project_checking *c, const char *key, const char *path)
{
	struct stat st;

	if (!*path)
		return 0;
	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		err_errno(c->e, "'%s'", path);
	else if (!S_ISREG(st.st_mode))
		err_set(c->e, ERR_CONFIG, EINVAL, "'%s' is not a file", path);
	else
		return 0;
	return blame(c, key, project_as_written(c, path));
}

static int check_files(const struct project_checking *c)
{
	const struct image_spec *i = &c->p->image;
	const struct {
		const char *key, *path;
	} rows[] = {
		{"config", i->config},
		{"before", i->before},
		{"after", i->after},
		{"check", i->check},
	};
	int rc = 0;

	for (size_t k = 0; k < ARRAY_LEN(rows) && rc == 0; k++)
		rc = check_file(c, rows[k].key, rows[k].path);
	for (size_t k = 0; k < i->rpm.len && rc == 0; k++)
		rc = check_file(c, "rpm", i->rpm.word[k]);
	for (size_t k = 0; k < i->repositories.len && rc == 0; k++)
		rc = check_file(c, "repositories", i->repositories.word[k]);
	for (size_t k = 0; k < i->copy.len && rc == 0; k++) {
		if (access(i->copy.word[k], R_OK) == 0)
			continue;
		err_errno(c->e, "'%s'", i->copy.word[k]);
		rc = blame(c, "copy", project_as_written(c, i->copy.word[k]));
	}
	return rc;
}

static int check_base(const struct project_checking *c)
{
	const char *base = c->p->image.base;

	switch (c->p->provider) {
	case PROVIDER_EC2:
		if (base_is_known(base))
			return 0;
		err_set(c->e, ERR_CONFIG, EINVAL,
			"'%.80s' is no base of provider=ec2: use al2023, al2, al2023-ecs, al2-ecs or "
			"the ID of an image, ami-…",
			base);
		break;
	case PROVIDER_LOCAL:
		if (is_bootstrap(base) && project_is_of(base + strlen(BOOTSTRAP), LOWER, LOWER, 32))
			return 0;
		if (!*base)
			return project_missing(c, "image", "base");
		if (!is_bootstrap(base) && access(base, R_OK) == 0)
			return 0;
		if (is_bootstrap(base))
			err_set(c->e, ERR_CONFIG, EINVAL,
				"'%.80s' names no suite: use debian:bookworm or the like", base);
		else
			err_errno(c->e, "'%s'", base);
		base = project_as_written(c, base);
		break;
	case PROVIDER_SSH:
		err_set(c->e, ERR_CONFIG, EINVAL,
			"provider=ssh makes no images, as its hosts are not to be wiped: use ec2 or "
			"local");
		return blame(c, "", NULL);
	}
	return blame(c, "base", base);
}

static int check_apps(const struct project_checking *c)
{
	const struct image_spec *i = &c->p->image;

	for (size_t k = 0; k < i->apps.len; k++) {
		if (project_is_before(&i->apps, k))
			return project_twice(
				c, (struct project_place){"image", "apps", i->apps.word[k]});
		if (project_app(c->p, i->apps.word[k]))
			continue;
		err_set(c->e, ERR_CONFIG, ENOENT, "there is no [app %.64s]", i->apps.word[k]);
		return blame(c, "apps", i->apps.word[k]);
	}
	if (project_flags(c->p, i->flags))
		return 0;
	err_set(c->e, ERR_CONFIG, ENOENT, "there is no [flags %.64s]", i->flags);
	return blame(c, "flags", NULL);
}

/* What stands in the names of images: Amazon EC2 API, CreateImage. */
static int check_name(const struct project_checking *c)
{
	if (c->p->provider != PROVIDER_EC2 || !strchr(c->p->image.name, '+'))
		return 0;
	err_set(c->e, ERR_CONFIG, EINVAL, "'%.64s' has a '+', which no name of an AMI may have",
		c->p->image.name);
	return blame(c, "name", NULL);
}

static int check_volume(const struct project_checking *c)
{
	const struct image_spec *i = &c->p->image;

	if (*i->kms_key && !i->encrypt) {
		err_set(c->e, ERR_CONFIG, EINVAL, "encrypt=yes is missing");
		return blame(c, "kms_key", NULL);
	}
	/* Amazon EC2 User Guide, "Share an AMI": nobody else may use the account's own key for EBS.
	 */
	if (i->encrypt && !*i->kms_key && i->accounts.len) {
		err_set(c->e, ERR_CONFIG, EINVAL,
			"an image that is encrypted with the account's own key cannot be shared: "
			"give kms_key=");
		return blame(c, "accounts", NULL);
	}
	if (i->throughput * IOPS_PER_THROUGHPUT <= i->iops)
		return 0;
	err_set(c->e, ERR_CONFIG, ERANGE, "%u MiB/s need iops=%u", i->throughput,
		i->throughput * IOPS_PER_THROUGHPUT);
	return blame(c, "throughput", NULL);
}

int project_image_check(const struct project_checking *c)
{
	int rc;

	if (!c->p->image.there)
		return 0;
	if ((rc = check_base(c)) < 0 || (rc = check_name(c)) < 0 || (rc = check_apps(c)) < 0 ||
		(rc = check_files(c)) < 0)
		return rc;
	return check_volume(c);
}

void project_image_free(struct image_spec *i)
{
	char *text[] = {i->name, i->base, i->flags, i->config, i->before, i->after, i->check,
		i->login, i->kms_key, i->parameter};
	struct config_words *list[] = {&i->apps, &i->rpm, &i->repositories, &i->packages, &i->copy,
		&i->units, &i->ecs, &i->containers, &i->types, &i->regions, &i->accounts};

	for (size_t k = 0; k < ARRAY_LEN(text); k++)
		free(text[k]);
	for (size_t k = 0; k < ARRAY_LEN(list); k++)
		config_words_free(list[k]);
}
