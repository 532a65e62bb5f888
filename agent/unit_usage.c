/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_usage.h"

#include "common/fs.h"
#include "common/num.h"

#include <limits.h>
#include <string.h>

#define TEXT_MAX (64 * KIB)

enum { MEMORY, CPU, N_CONTROLLERS };

struct source {
	int controller;
	const char *file;
	const char *key; /* NULL: the file is the number */
	size_t offset;
	uint64_t divide;
};

static const struct source version2[] = {
	{MEMORY, "memory.peak", NULL, offsetof(struct unit_usage, peak_memory), 1},
	{MEMORY, "memory.max", NULL, offsetof(struct unit_usage, memory_max), 1},
	{MEMORY, "memory.events", "oom_kill", offsetof(struct unit_usage, oom_kills), 1},
	{CPU, "cpu.stat", "user_usec", offsetof(struct unit_usage, user_us), 1},
	{CPU, "cpu.stat", "system_usec", offsetof(struct unit_usage, system_us), 1},
};

static const struct source version1[] = {
	{MEMORY, "memory.max_usage_in_bytes", NULL, offsetof(struct unit_usage, peak_memory), 1},
	{MEMORY, "memory.limit_in_bytes", NULL, offsetof(struct unit_usage, memory_max), 1},
	{MEMORY, "memory.oom_control", "oom_kill", offsetof(struct unit_usage, oom_kills), 1},
	{CPU, "cpuacct.usage_user", NULL, offsetof(struct unit_usage, user_us), NSEC_PER_USEC},
	{CPU, "cpuacct.usage_sys", NULL, offsetof(struct unit_usage, system_us), NSEC_PER_USEC},
};

static bool has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t part = comma ? (size_t)(comma - list) : len;

		if (part == n && memcmp(list, word, n) == 0)
			return true;
		part += part < len;
		list += part;
		len -= part;
	}
	return false;
}

/* "0::/a.slice/b.service" of version 2, "4:cpu,cpuacct:/x" of version 1. */
const char *unit_usage_group(const char *text, const char *controller, size_t *len)
{
	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *list = memchr(text, ':', line);
		const char *group =
			list ? memchr(list + 1, ':', line - (size_t)(list + 1 - text)) : NULL;

		if (group &&
			(*controller ? has_word(list + 1, (size_t)(group - list - 1), controller)
				     : group == list + 1)) {
			*len = line - (size_t)(group + 1 - text);
			return group + 1;
		}
		text += line + (text[line] == '\n');
	}
	return NULL;
}

uint64_t unit_usage_field(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > len && strncmp(text, key, len) == 0 && text[len] == ' ')
			return strtoull(text + len + 1, NULL, 10);
		text += line + (text[line] == '\n');
	}
	return 0;
}

static void read_source(int rootfd, const char *dir, const struct source *s, struct unit_usage *ret)
{
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct err ignored = ERR_INIT;
	char path[PATH_MAX];
	uint64_t n;

	if (snprintf(path, sizeof(path), "%s/%s", dir, s->file) >= (int)sizeof(path) ||
		fs_read(rootfd, path, &text, &ignored) < 0)
		return;
	/* "max" is no number, and 0. */
	n = s->key ? unit_usage_field(buf_str(&text), s->key) : strtoull(buf_str(&text), NULL, 10);
	n /= s->divide;
	memcpy((char *)ret + s->offset, &n, sizeof(n));
}

void unit_usage_read(int rootfd, struct unit_usage *ret)
{
	static const char *const name[N_CONTROLLERS] = {[MEMORY] = "memory", [CPU] = "cpuacct"};
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct err ignored = ERR_INIT;
	char dir[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	if (fs_read(rootfd, "/proc/self/cgroup", &text, &ignored) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(version1); i++) {
		const struct source *s = &version1[i];
		size_t len;
		const char *group = unit_usage_group(buf_str(&text), name[s->controller], &len);

		if (!group) {
			s = &version2[i];
			group = unit_usage_group(buf_str(&text), "", &len);
		}
		if (!group)
			continue;
		snprintf(dir, sizeof(dir), "/sys/fs/cgroup%s%s%.*s", s == &version1[i] ? "/" : "",
			s == &version1[i] ? name[s->controller] : "", (int)len, group);
		read_source(rootfd, dir, s, ret);
	}
}
