/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/settings_jobs.h"

#include "agent/owner.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define CPUS_MAX   65536
#define RESCAN_MIN NSEC_PER_SEC
#define RESCAN_MAX (3600 * NSEC_PER_SEC)
#define OUTPUT_MIN (4 * KIB)

int settings_jobs_init(struct settings_jobs *s)
{
	*s = (struct settings_jobs){
		.job_user = strdup("shared-prep-job"),
		.keep = {.jobs = 1000, .percent = 5},
		.max_output = 64 * MIB,
		.rescan = 30 * NSEC_PER_SEC,
	};
	return s->job_user ? 0 : -ENOMEM;
}

void settings_jobs_free(struct settings_jobs *s)
{
	free(s->job_user);
	s->job_user = NULL;
}

int settings_parse_executor(const char *value, void *field, struct err *e)
{
	static const char *const word[] = {
		[EXECUTOR_AUTO] = "auto",
		[EXECUTOR_UNIT] = "unit",
		[EXECUTOR_PROCESS] = "process",
	};

	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		if (strcmp(value, word[i]) == 0) {
			*(enum settings_executor *)field = (enum settings_executor)i;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, EINVAL, "'%s' is none of auto, unit, process", value);
}

int settings_parse_job_user(const char *value, void *field, struct err *e)
{
	size_t len = strlen(value);

	if (len >= OWNER_NAME || strpbrk(value, ":/ \t"))
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' is not the name of a user", value);
	return config_string(value, field, e);
}

int settings_parse_cpus(const char *value, void *field, struct err *e)
{
	uint64_t n = 0;
	int rc = *value ? num_u64(value, 1, CPUS_MAX, &n, e) : 0;

	if (rc == 0)
		*(unsigned *)field = (unsigned)n;
	return rc;
}

int settings_parse_output(const char *value, void *field, struct err *e)
{
	uint64_t bytes;
	int rc = num_size(value, &bytes, e);

	if (rc == 0 && bytes < OUTPUT_MIN)
		return err_set(e, ERR_CONFIG, ERANGE, "'%s' is less than 4K", value);
	if (rc == 0)
		*(uint64_t *)field = bytes;
	return rc;
}

int settings_parse_scratch(const char *value, void *field, struct err *e)
{
	if (*value)
		return num_size(value, field, e);
	*(uint64_t *)field = 0;
	return 0;
}

int settings_parse_rescan(const char *value, void *field, struct err *e)
{
	uint64_t ns;
	int rc = num_duration(value, &ns, e);

	if (rc == 0 && (ns < RESCAN_MIN || ns > RESCAN_MAX))
		return err_set(e, ERR_CONFIG, ERANGE, "'%s' is not between 1s and 1h", value);
	if (rc == 0)
		*(uint64_t *)field = ns;
	return rc;
}

static int parse_percent(char *word, size_t len, unsigned *ret, struct err *e)
{
	uint64_t n;
	int rc;

	word[len - 1] = '\0';
	rc = num_u64(word, 1, 100, &n, e);
	if (rc == 0)
		*ret = (unsigned)n;
	return rc;
}

/* "1000" is a count, "2G" a size, "5%" of the file system, "7d" an age. */
static int parse_bound(char *word, struct settings_keep *k, struct err *e)
{
	size_t len = strlen(word);
	const char *unit = word + strspn(word, "0123456789.");

	if (word[len - 1] == '%')
		return parse_percent(word, len, &k->percent, e);
	if (!*unit)
		return num_u64(word, 0, UINT32_MAX, &k->jobs, e);
	if (strchr("smhd", *unit))
		return num_duration(word, &k->age, e);
	return num_size(word, &k->bytes, e);
}

int settings_parse_keep(const char *value, void *field, struct err *e)
{
	struct settings_keep keep = {.jobs = UINT64_MAX};
	auto_free char *text = strdup(value);
	char *rest = NULL;

	if (!text)
		return err_oom(e);
	for (char *w = strtok_r(text, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
		int rc = parse_bound(w, &keep, e);

		if (rc < 0)
			return rc;
	}
	if (!*value)
		keep = (struct settings_keep){.jobs = 1000, .percent = 5};
	*(struct settings_keep *)field = keep;
	return 0;
}
