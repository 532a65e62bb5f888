/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cores.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CPU_DIR  "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"

static bool take_number(const char **p, unsigned *ret)
{
	unsigned n = 0;
	const char *first = *p;

	while (**p >= '0' && **p <= '9' && n < CPU_SETSIZE)
		n = n * 10 + (unsigned)(*(*p)++ - '0');
	*ret = n;
	return *p > first && n < CPU_SETSIZE;
}

bool cores_parse_list(const char *text, cpu_set_t *ret)
{
	const char *p = text;

	CPU_ZERO(ret);
	while (*p) {
		unsigned first, last;

		if (!take_number(&p, &first))
			return false;
		last = first;
		if (*p == '-' && (p++, !take_number(&p, &last)))
			return false;
		for (unsigned i = first; i <= last; i++)
			CPU_SET(i, ret);
		if (*p == ',' && p[1])
			p++;
		else if (*p)
			return false;
	}
	return CPU_COUNT(ret) > 0;
}

/* Three CPUs take ten bytes at most, as in "1000-1001,": all of a set fit. */
void cores_print_list(const cpu_set_t *set, char ret[static CORES_LIST])
{
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		unsigned first = i;

		if (!CPU_ISSET(i, set))
			continue;
		while (i + 1 < CPU_SETSIZE && CPU_ISSET(i + 1, set))
			i++;
		len += (size_t)snprintf(ret + len, CORES_LIST - len, len ? ",%u" : "%u", first);
		if (i > first)
			len += (size_t)snprintf(ret + len, CORES_LIST - len, "-%u", i);
	}
}

static bool read_list(int rootfd, const char *path, cpu_set_t *ret)
{
	struct err ignored = ERR_INIT;
	char text[CORES_LIST];

	return fs_read_line(rootfd, path, text, sizeof(text), &ignored) == 0 &&
	       cores_parse_list(text, ret);
}

static struct core core_of(int rootfd, unsigned cpu, const cpu_set_t *allowed)
{
	struct core c = {.threads = 0};
	cpu_set_t siblings;
	char path[128];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/topology/thread_siblings_list", cpu);
	if (!read_list(rootfd, path, &siblings)) {
		CPU_ZERO(&siblings);
		CPU_SET(cpu, &siblings);
	}
	CPU_AND(&siblings, &siblings, allowed);
	for (unsigned i = 0; i < CPU_SETSIZE && c.threads < CORES_THREADS; i++)
		if (CPU_ISSET(i, &siblings))
			c.cpu[c.threads++] = i;
	return c;
}

static void set_nodes(int rootfd, struct cores *c)
{
	cpu_set_t nodes, cpus;
	char path[128];

	if (!read_list(rootfd, NODE_DIR "/online", &nodes))
		return;
	for (unsigned node = 0; node < CPU_SETSIZE; node++) {
		if (!CPU_ISSET(node, &nodes))
			continue;
		snprintf(path, sizeof(path), NODE_DIR "/node%u/cpulist", node);
		if (!read_list(rootfd, path, &cpus))
			continue;
		for (size_t i = 0; i < c->n; i++)
			if (CPU_ISSET(c->core[i].cpu[0], &cpus))
				c->core[i].node = node;
	}
}

int cores_read(int rootfd, struct cores *ret, struct err *e)
{
	struct cores c = {.n = 0};
	cpu_set_t allowed, left;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return err_errno(e, "cannot tell which CPUs there are");
	c.core = calloc((size_t)CPU_COUNT(&allowed), sizeof(*c.core));
	if (!c.core)
		return err_oom(e);
	left = allowed;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &left))
			continue;
		c.core[c.n] = core_of(rootfd, cpu, &allowed);
		CPU_CLR(cpu, &left);
		for (unsigned i = 0; i < c.core[c.n].threads; i++)
			CPU_CLR(c.core[c.n].cpu[i], &left);
		c.n += c.core[c.n].threads > 0;
	}
	set_nodes(rootfd, &c);
	*ret = c;
	return 0;
}

void cores_free(struct cores *c)
{
	free(c->core);
	*c = (struct cores){.n = 0};
}

static size_t count_node(const struct cores *c, unsigned node, bool taken_too)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->core[i].node == node && (taken_too || !c->core[i].taken);
	return n;
}

bool cores_fit(const struct cores *c, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (count_node(c, c->core[i].node, true) >= n)
			return true;
	return false;
}

static void take(const struct core *core, size_t threads, cpu_set_t *set, size_t *cpus)
{
	for (unsigned t = 0; t < core->threads && t < threads; t++)
		CPU_SET(core->cpu[t], set);
	*cpus += core->threads;
}

bool cores_choose(const struct cores *c, size_t n, size_t threads, cpu_set_t *ret, size_t *ret_cpus)
{
	size_t best = SIZE_MAX, cpus = 0;
	unsigned node = 0;
	cpu_set_t set;

	for (size_t i = 0; i < c->n; i++) {
		size_t left = count_node(c, c->core[i].node, false);

		if (left >= n && left < best) {
			best = left;
			node = c->core[i].node;
		}
	}
	if (best == SIZE_MAX)
		return false;
	CPU_ZERO(&set);
	for (size_t i = 0; i < c->n && n > 0; i++) {
		if (c->core[i].node != node || c->core[i].taken)
			continue;
		take(&c->core[i], threads, &set, &cpus);
		n--;
	}
	*ret = set;
	*ret_cpus = cpus;
	return true;
}

void cores_mark(struct cores *c, const cpu_set_t *set, bool taken)
{
	for (size_t i = 0; i < c->n; i++)
		for (unsigned t = 0; t < c->core[i].threads; t++)
			if (CPU_ISSET(c->core[i].cpu[t], set))
				c->core[i].taken = taken;
}
