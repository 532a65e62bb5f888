/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/settings.h"

#include "agent/cpus.h"
#include "agent/settings_private.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define VENDOR_FILE "/usr/lib/shared-prep/shared-prep.conf"
#define LOCAL_FILE  "/etc/shared-prep/shared-prep.conf"
#define DROP_INS    "/etc/shared-prep/conf.d"

/* More than all tables have together. */
#define KEYS_MAX 64

/* "rootcontext=" and this are one option of MNT_OPTION_TEXT bytes. */
#define CONTEXT_MAX       100
#define INSTANCE_TYPE_MAX 64

/* A page and an inode are charged for each file: fewer bytes would be inodes that no page is left
 * for. */
#define BYTES_PER_INODE_MIN (4 * KIB)
#define MIN_SIZE_MIN        (1 * MIB)
#define TIMEOUT_MAX         (3600 * NSEC_PER_SEC)
#define NICE_MAX            19

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

int settings_word(const char *value, struct settings_words w, unsigned *ret, struct err *e)
{
	char all[128];
	size_t len = 0;

	for (size_t i = 0; i < w.len; i++) {
		if (strcmp(value, w.word[i]) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
		len += (size_t)snprintf(
			all + len, sizeof(all) - len, "%s%s", i ? ", " : "", w.word[i]);
	}
	return err_set(e, ERR_CONFIG, EINVAL, "'%s' is not one of %s", value, all);
}

/* clang-format off */
SETTINGS_ENUM(provider, "auto", "ec2", "azure", "gcp", "none")
SETTINGS_ENUM(huge_policy, "within_size", "never", "advise", "always")
SETTINGS_ENUM(on_failure, "stay", "poweroff")
SETTINGS_ENUM(ecs_configure, "auto", "yes", "no")
SETTINGS_ENUM(ecs_memory, "exclusive", "jobs")
/* clang-format on */

const char *huge_policy_name(enum huge_policy h)
{
	static const char *const name[] = {
		[HUGE_WITHIN_SIZE] = "within_size",
		[HUGE_NEVER] = "never",
		[HUGE_ADVISE] = "advise",
		[HUGE_ALWAYS] = "always",
	};

	return name[h];
}

/* What must not be hidden beneath a mount: these themselves … */
static bool is_of_the_system(const char *path)
{
	static const char *const top[] = {"/", "/bin", "/boot", "/etc", "/home", "/lib", "/lib32",
		"/lib64", "/libx32", "/opt", "/root", "/sbin", "/srv", "/tmp", "/usr", "/usr/bin",
		"/usr/lib", "/usr/local", "/usr/sbin", "/var", "/var/lib", "/var/log", "/var/tmp"};

	for (size_t i = 0; i < ARRAY_LEN(top); i++) {
		if (strcmp(path, top[i]) == 0)
			return true;
	}
	return false;
}

/* … and these with all that is in them. */
static bool is_in_the_system(const char *path)
{
	static const char *const tree[] = {"/boot", "/dev", "/etc", "/lib", "/lib64", "/proc",
		"/run", "/sys", "/usr", "/var/run"};

	for (size_t i = 0; i < ARRAY_LEN(tree); i++) {
		size_t len = strlen(tree[i]);

		if (strncmp(path, tree[i], len) == 0 && (path[len] == '/' || !path[len]))
			return true;
	}
	return false;
}

static int parse_mount_point(const char *value, void *field, struct err *e)
{
	auto_free char *path = NULL;
	int rc = config_path(value, &path, e);

	if (rc < 0)
		return rc;
	if (is_of_the_system(path) || is_in_the_system(path))
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' belongs to the system: use a directory of its own", path);
	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 || strchr("\"'\\%$,", *p))
			return err_set(e, ERR_CONFIG, EINVAL,
				"'%s' holds a blank, quote or other character that units and "
				"mount options give a meaning",
				path);
	}
	free(*(char **)field);
	*(char **)field = take_ptr(path);
	return 0;
}

static int parse_min_size(const char *value, void *field, struct err *e)
{
	uint64_t size;
	int rc = num_size(value, &size, e);

	if (rc == 0 && size < MIN_SIZE_MIN)
		return err_set(e, ERR_CONFIG, ERANGE, "'%s' is less than 1M", value);
	if (rc == 0)
		*(uint64_t *)field = size;
	return rc;
}

static int parse_max_size(const char *value, void *field, struct err *e)
{
	if (*value)
		return parse_min_size(value, field, e);
	*(uint64_t *)field = UINT64_MAX;
	return 0;
}

static int parse_reserve(const char *value, void *field, struct err *e)
{
	if (*value)
		return num_size(value, field, e);
	*(uint64_t *)field = 0;
	return 0;
}

static int parse_bytes_per_inode(const char *value, void *field, struct err *e)
{
	uint64_t bytes;
	int rc = num_size(value, &bytes, e);

	if (rc == 0 && bytes < BYTES_PER_INODE_MIN)
		return err_set(e, ERR_CONFIG, ERANGE, "'%s' is less than 4K", value);
	if (rc == 0)
		*(uint64_t *)field = bytes;
	return rc;
}

static int parse_timeout(const char *value, void *field, struct err *e)
{
	uint64_t ns;
	int rc = num_duration(value, &ns, e);

	if (rc == 0 && ns > TIMEOUT_MAX)
		return err_set(e, ERR_CONFIG, ERANGE, "'%s' is more than 1h", value);
	if (rc == 0)
		*(uint64_t *)field = ns;
	return rc;
}

/* Empty: as many as there are CPUs. */
static int parse_threads(const char *value, void *field, struct err *e)
{
	uint64_t n = 0;
	int rc = *value ? num_u64(value, 1, CPUS_THREADS_MAX, &n, e) : 0;

	if (rc == 0)
		*(unsigned *)field = (unsigned)n;
	return rc;
}

static int parse_nice(const char *value, void *field, struct err *e)
{
	uint64_t n;
	int rc = num_u64(value, 0, NICE_MAX, &n, e);

	if (rc == 0)
		*(int *)field = (int)n;
	return rc;
}

static int parse_io_class(const char *value, void *field, struct err *e)
{
	return priority_io_class(value, field, e);
}

/* An empty value is the built-in one: none. */
static int parse_word(
	const char *value, const char *accept, size_t max, char **field, struct err *e)
{
	size_t len = strspn(value, accept);

	if (value[len])
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' holds '%c'", value, value[len]);
	if (len > max)
		return err_set(
			e, ERR_CONFIG, EINVAL, "'%.40s…' is longer than %zu bytes", value, max);
	if (*value)
		return config_string(value, field, e);
	free(*field);
	*field = NULL;
	return 0;
}

/* user:role:type, with :level or :level:categories on multi-level policies. */
static int parse_context(const char *value, void *field, struct err *e)
{
	const char *colon = strchr(value, ':');

	if (*value && (!colon || !strchr(colon + 1, ':')))
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is not an SELinux context: use "
			"system_u:object_r:container_file_t:s0 or the like",
			value);
	return parse_word(value, LETTERS DIGITS "_:.,-", CONTEXT_MAX, field, e);
}

#define INSTANCE_TYPE_CHARACTERS LETTERS DIGITS "._-"

bool settings_is_instance_type(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < INSTANCE_TYPE_MAX && strspn(text, INSTANCE_TYPE_CHARACTERS) == len;
}

static int parse_instance_type(const char *value, void *field, struct err *e)
{
	return parse_word(value, INSTANCE_TYPE_CHARACTERS, INSTANCE_TYPE_MAX, field, e);
}

#define AT(field) offsetof(struct settings, field)

/* clang-format off */
static const struct config_key keys[] = {
	{"Shared", "Path", parse_mount_point, AT(path)},
	{"Shared", "MinSize", parse_min_size, AT(min_size)},
	{"Shared", "MaxSize", parse_max_size, AT(max_size)},
	{"Shared", "JobMemory", parse_reserve, AT(job_memory)},
	{"Shared", "SystemReserve", parse_reserve, AT(system_reserve)},
	{"Shared", "BytesPerInode", parse_bytes_per_inode, AT(bytes_per_inode)},
	{"Shared", "Huge", parse_huge_policy, AT(huge)},
	{"Shared", "Context", parse_context, AT(context)},
	{"Shared", "OnFailure", parse_on_failure, AT(on_failure)},
	{"Metadata", "Provider", parse_provider, AT(provider)},
	{"Metadata", "Timeout", parse_timeout, AT(metadata_timeout)},
	{"Metadata", "InstanceType", parse_instance_type, AT(instance_type)},
	{"Apps", "Data", config_path, AT(data)},
	{"Apps", "Apps", config_list, AT(apps)},
	{"Apps", "Threads", parse_threads, AT(threads)},
	{"Apps", "Nice", parse_nice, AT(priority.nice)},
	{"Apps", "IOClass", parse_io_class, AT(priority.io)},
	{"Copy", "Copy", config_list, AT(copy)},
	SETTINGS_JOBS_ROWS(struct settings, jobs),
	{"ECS", "Configure", parse_ecs_configure, AT(ecs_configure)},
	{"ECS", "Memory", parse_ecs_memory, AT(ecs_memory)},
	{0},
};
/* clang-format on */

static const struct config_key *const tables[] = {keys, settings_interrupt_keys};

static void join_tables(struct config_key ret[static KEYS_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (const struct config_key *k = tables[i]; k->section && n < KEYS_MAX; k++)
			ret[n++] = *k;
	}
	ret[n] = (struct config_key){0};
}

static int load_files(int rootfd, struct settings *s, struct err *e)
{
	struct config_key all[KEYS_MAX + 1];
	int rc;

	join_tables(all);
	rc = config_load(rootfd, VENDOR_FILE, all, s, true, e);
	if (rc == 0)
		rc = config_load(rootfd, LOCAL_FILE, all, s, true, e);
	if (rc == 0)
		rc = config_load_dir(rootfd, DROP_INS, all, s, e);
	return rc;
}

int settings_load(int rootfd, struct settings *ret, struct err *e)
{
	char min[NUM_TEXT], max[NUM_TEXT];
	int rc;

	*ret = (struct settings){
		.path = strdup("/shared"),
		.min_size = 64 * MIB,
		.max_size = UINT64_MAX,
		.bytes_per_inode = 16 * KIB,
		.metadata_timeout = 60 * NSEC_PER_SEC,
		.data = strdup("/usr/local/data"),
	};
	settings_interrupt_default(ret);
	if (!ret->path || !ret->data || settings_jobs_init(&ret->jobs) < 0)
		return err_oom(e);
	rc = load_files(rootfd, ret, e);
	if (rc == 0 && ret->max_size < ret->min_size)
		return err_set(e, ERR_CONFIG, EINVAL,
			"configuration: MaxSize=%s is less than MinSize=%s",
			num_size_text(ret->max_size, max), num_size_text(ret->min_size, min));
	return rc;
}

void settings_free(struct settings *s)
{
	free(s->path);
	free(s->context);
	free(s->instance_type);
	free(s->data);
	config_words_free(&s->apps);
	config_words_free(&s->copy);
	settings_jobs_free(&s->jobs);
	free(s->persist_to);
	*s = (struct settings){0};
}
