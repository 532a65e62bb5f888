/* SPDX-License-Identifier: Apache-2.0 */
#include "common/instance_type.h"
#include "common/num.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <string.h>

#define DAY (24 * 3600 * NSEC_PER_SEC)

/* Amazon EBS User Guide, "General Purpose SSD volumes". */
#define GP3_IOPS_MIN       3000
#define GP3_IOPS_MAX       80000
#define GP3_THROUGHPUT_MIN 125
#define GP3_THROUGHPUT_MAX 2000

#define ACCOUNT_LEN   12
#define REGION_LEN    32
#define UNIT_LEN      255
#define CONTAINER_LEN 255
#define PARAMETER_LEN 1011 /* Systems Manager, PutParameter */

int project_take_format(const char *value, void *field, struct err *e)
{
	static const char *const word[] = {[IMAGE_RAW] = "raw", [IMAGE_QCOW2] = "qcow2", NULL};
	unsigned found;
	int rc = project_one_of(value, word, &found, e);

	if (rc == 0)
		*(enum image_format *)field = (enum image_format)found;
	return rc;
}

int project_take_yes(const char *value, void *field, struct err *e)
{
	static const char *const word[] = {[false] = "no", [true] = "yes", NULL};
	unsigned found;
	int rc = project_one_of(value, word, &found, e);

	if (rc == 0)
		*(bool *)field = found;
	return rc;
}

int project_take_size(const char *value, void *field, struct err *e)
{
	static const struct project_range r = {GIB, 16 * TIB, "is not between 1G and 16T"};

	return project_size(value, &r, field, e);
}

int project_take_deprecate(const char *value, void *field, struct err *e)
{
	static const struct project_range r = {DAY, 3650 * DAY, "is not between 1d and 3650d"};

	return project_duration(value, &r, field, e);
}

int project_take_iops(const char *value, void *field, struct err *e)
{
	return project_number(value, GP3_IOPS_MIN, GP3_IOPS_MAX, field, e);
}

int project_take_throughput(const char *value, void *field, struct err *e)
{
	return project_number(value, GP3_THROUGHPUT_MIN, GP3_THROUGHPUT_MAX, field, e);
}

/* Every character but a blank, as a path may have it; project_check_image() knows the provider. */
int project_take_image_base(const char *value, void *field, struct err *e)
{
	return project_take_path(value, field, e);
}

static bool is_region(const char *word)
{
	const char *dash = strrchr(word, '-');

	return project_is_of(word, LOWER, LOWER DIGITS "-", REGION_LEN) && dash &&
	       dash > word + 3 && dash[1] && strspn(dash + 1, DIGITS) == strlen(dash + 1);
}

static int check_region(const char *word, struct err *e)
{
	return is_region(word) ? 0
			       : project_bad(word, "is no region: use eu-west-1 or the like", e);
}

int project_take_regions(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_region};

	return project_take_each(&t, value, field, e);
}

static int check_account(const char *word, struct err *e)
{
	if (strlen(word) != ACCOUNT_LEN || strspn(word, DIGITS) != ACCOUNT_LEN)
		return project_bad(word, "is not the ID of an account: 12 digits", e);
	return 0;
}

int project_take_accounts(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_account};

	return project_take_each(&t, value, field, e);
}

static int check_type(const char *word, struct err *e)
{
	if (!strchr(word, '.') || !instance_type_is_key(word))
		return project_bad(word, "is no instance type: use c7a.4xlarge or the like", e);
	return 0;
}

int project_take_types(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_type};

	return project_take_each(&t, value, field, e);
}

/* systemd.unit(5) */
static int check_unit(const char *word, struct err *e)
{
	static const char *const kind[] = {
		".service", ".socket", ".timer", ".path", ".mount", ".target"};
	const char *dot = strrchr(word, '.');

	if (project_is_of(word, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS ":_.@\\-", UNIT_LEN) &&
		dot) {
		for (size_t i = 0; i < ARRAY_LEN(kind); i++) {
			if (strcmp(dot, kind[i]) == 0)
				return 0;
		}
	}
	return project_bad(word, "is not the name of a unit that can be enabled", e);
}

int project_take_units(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_unit};

	return project_take_each(&t, value, field, e);
}

static int check_container(const char *word, struct err *e)
{
	if (!project_is_of(word, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._/:@-", CONTAINER_LEN))
		return project_bad(word, "is not the name of a container image", e);
	return 0;
}

int project_take_containers(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_container};

	return project_take_each(&t, value, field, e);
}

static int check_ecs(const char *word, struct err *e)
{
	const size_t len = strspn(word, UPPER DIGITS "_");

	if (len == 0 || strchr(DIGITS, *word) || word[len] != '=')
		return project_bad(word, "is not NAME=VALUE", e);
	for (const char *s = word; *s; s++) {
		if (*s < ' ' || *s > '~')
			return project_bad(
				word, "holds a character that is not printable ASCII", e);
	}
	return 0;
}

int project_take_ecs(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_quoted, check_ecs};

	return project_take_each(&t, value, field, e);
}

/* Systems Manager, PutParameter: the names that begin so are AWS's own. */
int project_take_parameter(const char *value, void *field, struct err *e)
{
	if (*value && (!project_is_of(value, "/", LOWER UPPER DIGITS "_.-/", PARAMETER_LEN) ||
			      strstr(value, "//") || value[strlen(value) - 1] == '/'))
		return project_bad(
			value, "is not the path of a parameter: use /team/image or the like", e);
	if (strncmp(value, "/aws", 4) == 0 || strncmp(value, "/ssm", 4) == 0)
		return project_bad(value, "begins as those of AWS do: name it otherwise", e);
	return project_set(field, value, e);
}
