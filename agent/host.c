/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/host.h"

#include "agent/cgroup.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define MEMINFO_MAX (64 * KIB)
#define CPUINFO_MAX (16 * MIB) /* 1.5 KiB for each of thousands of processors */
#define SWAPS_MAX   (256 * KIB)
#define LIST_TEXT   4096
#define LIST_MAX    65536 /* more processors or nodes than any kernel is built for */

#define CPU_DIR  "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"

static int bad(struct err *e, const char *file, const char *what)
{
	return err_set(e, ERR_SYSTEM, EBADMSG, "'%s': '%.64s' is not understood", file, what);
}

/* -EINVAL only, for callers that know a better message. */
static int number(const char *s, uint64_t max, uint64_t *ret)
{
	struct err ignored = ERR_INIT;

	return num_u64(s, 0, max, ret, &ignored) < 0 ? -EINVAL : 0;
}

#define NOT_TOLD UINT64_MAX

struct meminfo {
	uint64_t total, available, free, cached, shmem;
	uint64_t hugetlb, huge_pages, huge_page;
};

#define AT(field) offsetof(struct meminfo, field)

/* clang-format off */
static const struct {
	const char *name;
	bool kilobytes;
	size_t offset;
} meminfo_keys[] = {
	{"MemTotal", true, AT(total)},
	{"MemAvailable", true, AT(available)},
	{"MemFree", true, AT(free)},
	{"Cached", true, AT(cached)},
	{"Shmem", true, AT(shmem)},
	{"Hugetlb", true, AT(hugetlb)},
	{"HugePages_Total", false, AT(huge_pages)},
	{"Hugepagesize", true, AT(huge_page)},
};
/* clang-format on */

/* "       16083084 kB" */
static int meminfo_value(char *text, bool kilobytes, uint64_t *ret)
{
	char *unit = strstr(text, " kB");
	uint64_t n;

	if (kilobytes && unit && !unit[3])
		*unit = '\0';
	else if (kilobytes)
		return -EINVAL;
	if (number(text + strspn(text, " "), NOT_TOLD / KIB - 1, &n) < 0)
		return -EINVAL;
	*ret = n * (kilobytes ? KIB : 1);
	return 0;
}

/* A key that is not ours may say what it likes. */
static int meminfo_line(char *line, struct meminfo *m, struct err *e)
{
	const char *name = strsep(&line, ":");

	for (size_t i = 0; line && i < ARRAY_LEN(meminfo_keys); i++) {
		uint64_t n;

		if (strcmp(name, meminfo_keys[i].name) != 0)
			continue;
		if (meminfo_value(line, meminfo_keys[i].kilobytes, &n) < 0)
			return bad(e, "/proc/meminfo", name);
		memcpy((char *)m + meminfo_keys[i].offset, &n, sizeof(n));
	}
	return 0;
}

/* Linux before 3.14 has no MemAvailable; a tmpfs is Cached but cannot be had. */
static int available(const struct meminfo *m, uint64_t *ret, struct err *e)
{
	uint64_t cached = m->cached;

	if (m->available != NOT_TOLD) {
		*ret = m->available;
		return 0;
	}
	if (m->free == NOT_TOLD || cached == NOT_TOLD)
		return err_set(e, ERR_SYSTEM, EBADMSG,
			"'/proc/meminfo' has neither MemAvailable nor MemFree and Cached");
	if (m->shmem != NOT_TOLD)
		cached -= m->shmem < cached ? m->shmem : cached;
	*ret = m->free + cached;
	return 0;
}

/* Linux before 4.15 tells only of pools of the default page size. */
static uint64_t hugetlb(const struct meminfo *m)
{
	uint64_t bytes;

	if (m->hugetlb != NOT_TOLD)
		return m->hugetlb;
	if (m->huge_pages == NOT_TOLD || m->huge_page == NOT_TOLD)
		return 0;
	return __builtin_mul_overflow(m->huge_pages, m->huge_page, &bytes) ? m->total : bytes;
}

static int read_memory(int rootfd, struct host *h, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MEMINFO_MAX);
	struct meminfo m = {
		NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD};
	char *line, *rest;
	int rc = fs_read(rootfd, "/proc/meminfo", &text, e);

	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")))
		rc = meminfo_line(line, &m, e);
	if (rc < 0)
		return rc;
	if (m.total == NOT_TOLD || m.total == 0)
		return err_set(e, ERR_SYSTEM, EBADMSG, "'/proc/meminfo' has no MemTotal");
	h->mem_total = m.total;
	h->hugetlb = hugetlb(&m);
	return available(&m, &h->mem_available, e);
}

/* "/dev/zram0  partition  4194300  0  100", the size in KiB. */
static int swap_line(char *line, uint64_t *zram, struct err *e)
{
	char *field[3], *p = line;
	size_t n = 0;
	uint64_t kib;

	if (strncmp(line, "/dev/zram", strlen("/dev/zram")) != 0)
		return 0;
	while (p && n < ARRAY_LEN(field)) {
		field[n] = strsep(&p, " \t");
		n += *field[n] != '\0';
	}
	if (n < ARRAY_LEN(field) || number(field[2], UINT32_MAX * KIB, &kib) < 0)
		return bad(e, "/proc/swaps", line);
	*zram += kib * KIB;
	return 0;
}

static int read_swaps(int rootfd, struct host *h, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(SWAPS_MAX);
	char *line, *rest;
	int rc = fs_read(rootfd, "/proc/swaps", &text, e);

	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")))
		rc = swap_line(line, &h->swap_zram, e);
	return rc == -ENOENT ? 0 : rc;
}

/* Calls fn for each number of a list as the kernel writes it: "0-3,8". */
static int each_of_list(
	char *list, const char *file, int (*fn)(uint64_t n, void *ctx), void *ctx, struct err *e)
{
	char *range;
	int rc = 0;

	while (rc == 0 && (range = strsep(&list, ","))) {
		const char *from = strsep(&range, "-");
		uint64_t first, last;

		if (number(from, LIST_MAX, &first) < 0 ||
			number(range ? range : from, LIST_MAX, &last) < 0 || last < first)
			return bad(e, file, from);
		for (uint64_t n = first; n <= last && rc == 0; n++)
			rc = fn(n, ctx);
	}
	return rc;
}

struct cpu_counter {
	int rootfd;
	unsigned cpus;
	unsigned firsts; /* threads that are the first online of their core */
	bool untold;     /* sysfs does not tell of one */
};

static int count_cpu(uint64_t n, void *ctx)
{
	struct cpu_counter *c = ctx;
	struct err ignored = ERR_INIT;
	char path[128], siblings[LIST_TEXT];
	uint64_t first;

	c->cpus++;
	snprintf(path, sizeof(path), CPU_DIR "/cpu%" PRIu64 "/topology/thread_siblings_list", n);
	if (c->untold || fs_read_line(c->rootfd, path, siblings, sizeof(siblings), &ignored) < 0) {
		c->untold = true;
		return 0;
	}
	siblings[strcspn(siblings, ",-")] = '\0';
	c->untold = number(siblings, LIST_MAX, &first) < 0;
	c->firsts += !c->untold && first == n;
	return 0;
}

/* Without sysfs, as in a bare chroot; 1 where nothing tells, as every machine has that. */
static int count_cpuinfo(int rootfd, unsigned *ret, struct err *e)
{
	static const char key[] = "processor\t";
	auto_buf struct buf text = BUF_INIT(CPUINFO_MAX);
	unsigned n = 0;
	char *line, *rest;
	int rc = fs_read(rootfd, "/proc/cpuinfo", &text, e);

	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")))
		n += strncmp(line, key, sizeof(key) - 1) == 0;
	*ret = n ? n : 1;
	return rc == -ENOENT ? 0 : rc;
}

static int read_cpus(int rootfd, struct host *h, struct err *e)
{
	struct cpu_counter c = {.rootfd = rootfd};
	char list[LIST_TEXT];
	int rc = fs_read_line(rootfd, CPU_DIR "/online", list, sizeof(list), e);

	if (rc == -ENOENT) {
		rc = count_cpuinfo(rootfd, &h->vcpus, e);
		h->cores = h->vcpus;
		return rc;
	}
	if (rc == 0)
		rc = each_of_list(list, CPU_DIR "/online", count_cpu, &c, e);
	h->vcpus = c.cpus;
	h->cores = c.untold || c.firsts == 0 ? c.cpus : c.firsts;
	return rc;
}

static int count_node(uint64_t n, void *ctx)
{
	(void)n;
	++*(unsigned *)ctx;
	return 0;
}

static int read_node_list(int rootfd, const char *file, struct host *h, struct err *e)
{
	char list[HOST_NODES_TEXT];
	unsigned n = 0;
	int rc = fs_read_line(rootfd, file, list, sizeof(list), e);

	if (rc == 0 && !*list)
		return -ENOENT;
	if (rc < 0)
		return rc;
	snprintf(h->nodes, sizeof(h->nodes), "%s", list);
	rc = each_of_list(list, file, count_node, &n, e);
	h->numa_nodes = n;
	return rc;
}

/* Only nodes with memory are of use; older kernels have just the second or third file. */
static int read_nodes(int rootfd, struct host *h, struct err *e)
{
	static const char *const file[] = {
		NODE_DIR "/has_memory", NODE_DIR "/has_normal_memory", NODE_DIR "/online"};
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(file) && rc == -ENOENT; i++)
		rc = read_node_list(rootfd, file[i], h, e);
	if (rc == -ENOENT) {
		h->numa_nodes = 1;
		snprintf(h->nodes, sizeof(h->nodes), "0");
		return 0;
	}
	return rc;
}

static int read_kernel(int rootfd, struct host *h, struct err *e)
{
	int rc =
		fs_read_line(rootfd, "/proc/sys/kernel/osrelease", h->kernel, sizeof(h->kernel), e);

	return rc == -ENOENT ? 0 : rc;
}

int host_read(int rootfd, struct host *ret, struct err *e)
{
	struct host h = {0};
	int rc = read_memory(rootfd, &h, e);

	if (rc == 0)
		rc = read_swaps(rootfd, &h, e);
	if (rc == 0)
		rc = cgroup_memory_limit(rootfd, &h.cgroup_limit, e);
	if (rc == 0)
		rc = read_cpus(rootfd, &h, e);
	if (rc == 0)
		rc = read_nodes(rootfd, &h, e);
	if (rc == 0)
		rc = read_kernel(rootfd, &h, e);
	if (rc == 0)
		*ret = h;
	return rc;
}
