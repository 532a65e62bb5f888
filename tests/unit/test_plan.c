/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"
#include "common/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define SHAPES       "tests/data/shapes"
#define SHAPES_MIN   22
#define EXPECTED_MAX (16 * KIB)

static const struct plan_held nothing;

static const struct settings defaults = {
	.min_size = 64 * MIB,
	.max_size = UINT64_MAX,
	.bytes_per_inode = 16 * KIB,
};

/* A number of the plan by the name that the files of expected numbers have for it. */
static uint64_t number(const struct tmpfs_plan *p, const struct host *h, const char *name)
{
	const struct {
		const char *name;
		uint64_t value;
	} known[] = {
		{"mem_total", h->mem_total},
		{"memory", p->memory},
		{"system", p->system},
		{"jobs", p->jobs},
		{"budget", p->budget},
		{"size", p->size},
		{"nr_inodes", p->nr_inodes},
		{"cores", h->cores},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(name, known[i].name) == 0)
			return known[i].value;
	}
	fail_msg("no '%s' in a plan", name);
	return 0;
}

static void compare_word(const char *shape, const char *name, const char *have, const char *want)
{
	if (strcmp(have, want) != 0)
		fail_msg("%s: %s is %s, expected %s", shape, name, have, want);
}

/* "size  123  # arithmetic" */
static unsigned compare_line(
	const char *shape, const char *line, const struct tmpfs_plan *p, const struct host *h)
{
	char name[32], want[64], have[64];

	if (*line == '#' || sscanf(line, "%31s %63s", name, want) != 2)
		return 0;
	if (strcmp(name, "fits") == 0) {
		compare_word(shape, name, p->fits ? "yes" : "no", want);
	} else if (strcmp(name, "bound") == 0) {
		compare_word(shape, name, p->bound, want);
	} else if (strcmp(name, "interleave") == 0) {
		compare_word(shape, name, *p->interleave ? p->interleave : "-", want);
	} else {
		snprintf(have, sizeof(have), "%llu", (unsigned long long)number(p, h, name));
		compare_word(shape, name, have, want);
	}
	return 1;
}

static void compare_shape(int shapes, const char *shape)
{
	auto_buf struct buf text = BUF_INIT(EXPECTED_MAX);
	auto_settings struct settings s = {0};
	auto_close int root = -1;
	struct err e = ERR_INIT;
	struct host h;
	struct tmpfs_plan p;
	char path[300], *line, *rest;
	unsigned compared = 0;

	snprintf(path, sizeof(path), "%s/root", shape);
	root = openat(shapes, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/expected", shape);
	assert_int_equal(fs_read(shapes, path, &text, &e), 0);
	assert_int_equal(settings_load(root, &s, &e), 0);
	if (host_read(root, &h, &e) < 0)
		fail_msg("%s: %s", shape, e.msg);
	plan_size(&h, &s, &nothing, &p);
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		compared += compare_line(shape, line, &p, &h);
	assert_int_equal(compared, 11);
}

static void test_shapes(void **state)
{
	const char *top = getenv("TOP");
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	char path[512];
	unsigned n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/" SHAPES, top ? top : ".");
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README") == 0)
			continue;
		compare_shape(dirfd(dir), entry->d_name);
		n++;
	}
	assert_true(n >= SHAPES_MIN);
}

static void test_curve(void **state)
{
	static const struct {
		uint64_t memory, reserve;
	} row[] = {
		{0, 128 * MIB},
		{100000, 128 * MIB + 3000},
		{4 * GIB, 128 * MIB + 128849018},
		{64 * GIB, 128 * MIB + 128849018 + 966367641},
		{256 * GIB, 128 * MIB + 128849018 + 966367641 + 2061584302},
		{266 * GIB, 128 * MIB + 128849018 + 966367641 + 2061584302 + 53687091},
	};
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_int_equal(plan_system_reserve(row[i].memory), row[i].reserve);
	for (unsigned bit = 0; bit < 64; bit++) {
		assert_true(plan_system_reserve(1ULL << bit) >= before);
		before = plan_system_reserve(1ULL << bit);
	}
	assert_true(plan_system_reserve(UINT64_MAX) < UINT64_MAX / 100);
}

/* What holds of every plan. */
static void check_plan(const struct host *h, const struct settings *s, const struct tmpfs_plan *p)
{
	unsigned __int128 whole = (unsigned __int128)p->nr_inodes * PLAN_INODE_COST + p->size;

	assert_true(whole <= p->budget);
	assert_int_equal(p->size % PLAN_SIZE_STEP, 0);
	assert_true(p->size <= s->max_size);
	assert_true(p->budget <= p->memory && p->memory <= h->mem_total);
	assert_true(p->terms > 0 && p->terms < PLAN_TERMS);
	assert_true((p->size == 0) == (p->nr_inodes == 0));
	assert_true(!p->fits || (p->size >= s->min_size && p->size > 0));
}

static void test_absurd(void **state)
{
	static const uint64_t odd[] = {
		0, 1, 4095, MIB, MIB + 1, 600 * MIB, GIB, TIB, 24 * TIB, INT64_MAX, UINT64_MAX};
	static const unsigned cpus[] = {0, 1, 896, UINT32_MAX};
	static const uint64_t per_inode[] = {4096, 16 * KIB, TIB, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd) * ARRAY_LEN(odd) * ARRAY_LEN(odd); i++) {
		const uint64_t a = odd[i % 11], b = odd[i / 11 % 11], c = odd[i / 121];
		const struct host h = {.mem_total = a,
			.mem_available = b,
			.hugetlb = c == TIB ? a / 2 : 0,
			.cgroup_limit = c ? c : UINT64_MAX,
			.vcpus = cpus[i % ARRAY_LEN(cpus)],
			.numa_nodes = 2,
			.nodes = "0-1"};
		const struct settings s = {.min_size = MIB,
			.max_size = i % 3 ? UINT64_MAX : b,
			.job_memory = i % 5 ? 0 : c,
			.system_reserve = i % 7 ? 0 : c,
			.bytes_per_inode = per_inode[i % ARRAY_LEN(per_inode)]};
		const struct plan_held held = {.bytes = i % 2 ? b : 0, .inodes = i % 2 ? c : 0};
		struct tmpfs_plan p;
		json_t *json;

		plan_size(&h, &s, &held, &p);
		check_plan(&h, &s, &p);
		json = plan_json(&p, &h);
		assert_non_null(json);
		json_decref(json);
	}
}

/* An 8 GiB machine with one vCPU: reserve 128 MiB + 3 % of 4 GiB + 1.5 % of 4 GiB + 175 MiB =
 * 511024332 bytes. */
static const struct host machine = {
	.mem_total = 8 * GIB,
	.mem_available = 8 * GIB,
	.cgroup_limit = UINT64_MAX,
	.vcpus = 1,
	.cores = 1,
	.numa_nodes = 1,
	.nodes = "0",
};
#define ROOM (8 * GIB - 128 * MIB - 128849018 - 64424509 - 175 * MIB)

static void test_bounds(void **state)
{
	static const struct {
		uint64_t available, cgroup, max_size, hugetlb;
		struct plan_held held;
		uint64_t budget;
		const char *bound;
	} row[] = {
		{8 * GIB, UINT64_MAX, UINT64_MAX, 0, {0, 0}, ROOM, "memory"},
		{GIB, UINT64_MAX, UINT64_MAX, 0, {0, 0}, GIB, "available"},
		{GIB, UINT64_MAX, UINT64_MAX, 0, {GIB, 0}, 2 * GIB, "available"},
		{GIB, UINT64_MAX, UINT64_MAX, 0, {GIB, 1000}, 2 * GIB + 1000 * 1792, "available"},
		{GIB, UINT64_MAX, UINT64_MAX, 0, {7 * GIB, 0}, ROOM, "memory"},
		{GIB, UINT64_MAX, UINT64_MAX, 0, {UINT64_MAX, UINT64_MAX}, ROOM, "memory"},
		{8 * GIB, GIB, UINT64_MAX, 0, {0, 0}, GIB - 128 * MIB - 32212254 - 175 * MIB,
			"cgroup"},
		{8 * GIB, 9 * GIB, UINT64_MAX, 0, {0, 0}, ROOM, "memory"},
		{100 * MIB, GIB, UINT64_MAX, 0, {0, 0}, 100 * MIB, "available"},
		{8 * GIB, UINT64_MAX, GIB, 0, {0, 0}, ROOM, "MaxSize"},
		{8 * GIB, UINT64_MAX, 8 * GIB, 0, {0, 0}, ROOM, "memory"},
		{8 * GIB, UINT64_MAX, UINT64_MAX, 4 * GIB, {0, 0},
			4 * GIB - 128 * MIB - 128849018 - 175 * MIB, "memory"},
		{8 * GIB, UINT64_MAX, UINT64_MAX, 9 * GIB, {0, 0}, 0, "memory"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct host h = machine;
		struct settings s = defaults;
		struct tmpfs_plan p;

		h.mem_available = row[i].available;
		h.cgroup_limit = row[i].cgroup;
		h.hugetlb = row[i].hugetlb;
		s.max_size = row[i].max_size;
		plan_size(&h, &s, &row[i].held, &p);
		assert_int_equal(p.budget, row[i].budget);
		assert_string_equal(p.bound, row[i].bound);
		if (row[i].held.inodes != UINT64_MAX)
			check_plan(&h, &s, &p);
	}
}

static void test_reserves(void **state)
{
	struct settings s = defaults;
	struct tmpfs_plan p;

	(void)state;
	s.job_memory = 100 * MIB;
	plan_size(&machine, &s, &nothing, &p);
	assert_int_equal(p.jobs, 175 * MIB);
	s.job_memory = 2 * GIB;
	s.system_reserve = GIB;
	plan_size(&machine, &s, &nothing, &p);
	assert_int_equal(p.jobs, 2 * GIB);
	assert_int_equal(p.system, GIB);
	assert_int_equal(p.budget, 5 * GIB);
	/* 5 GiB x 16384 / 18176 = 4839277297, 4615 whole MiB */
	assert_int_equal(p.size, 4615 * MIB);
	assert_int_equal(p.nr_inodes, 4615 * 64);
}

static void test_inodes(void **state)
{
	static const struct {
		uint64_t per_inode, max_size, size, nr_inodes;
	} row[] = {
		/* of a budget of 4 GiB */
		{4 * KIB, UINT64_MAX, 2849 * MIB, 2849 * 256},
		{16 * KIB, UINT64_MAX, 3692 * MIB, 3692 * 64},
		{MIB, UINT64_MAX, 4089 * MIB, 4089},
		/* never less than 1024, which cost 1.75 MiB */
		{16 * MIB, UINT64_MAX, 4094 * MIB, 1024},
		{UINT64_MAX, UINT64_MAX, 4094 * MIB, 1024},
		/* MaxSize= is rounded down too, and takes inodes with it */
		{16 * KIB, GIB + 5, GIB, 65536},
		{16 * KIB, MIB, MIB, 1024},
	};
	struct host h = machine;

	(void)state;
	h.mem_available = 4 * GIB;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct settings s = defaults;
		struct tmpfs_plan p;

		s.bytes_per_inode = row[i].per_inode;
		s.max_size = row[i].max_size;
		plan_size(&h, &s, &nothing, &p);
		check_plan(&h, &s, &p);
		assert_int_equal(p.size, row[i].size);
		assert_int_equal(p.nr_inodes, row[i].nr_inodes);
	}
}

static bool has_term(const struct tmpfs_plan *p, const char *part)
{
	for (unsigned i = 0; i < p->terms; i++) {
		if (strstr(p->term[i].name, part))
			return true;
	}
	return false;
}

static void test_held(void **state)
{
	static const struct {
		struct plan_held held;
		uint64_t max_size;
		bool fits;
		const char *term; /* NULL: none of it */
	} row[] = {
		{{GIB, 100}, UINT64_MAX, true, NULL},
		{{GIB, 65536}, GIB, true, NULL},
		{{GIB + 1, 100}, GIB, false, "holds more than this size"},
		{{1, 65537}, GIB, false, "holds more than these inodes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct settings s = defaults;
		struct tmpfs_plan p;

		s.max_size = row[i].max_size;
		plan_size(&machine, &s, &row[i].held, &p);
		assert_int_equal(p.fits, row[i].fits);
		assert_int_equal(has_term(&p, "holds more"), row[i].term != NULL);
		assert_true(!row[i].term || has_term(&p, row[i].term));
	}
}

static void test_fits(void **state)
{
	struct host h = machine;
	struct settings s = defaults;
	struct tmpfs_plan p;

	(void)state;
	/* 64 MiB and 4096 x 1792 bytes */
	h.mem_available = 71 * MIB;
	plan_size(&h, &s, &nothing, &p);
	assert_int_equal(p.size, 64 * MIB);
	assert_true(p.fits);
	h.mem_available = 71 * MIB - 1;
	plan_size(&h, &s, &nothing, &p);
	assert_int_equal(p.size, 63 * MIB);
	assert_false(p.fits);
	/* 0 would be no limit at all */
	s.min_size = 0;
	h.mem_available = MIB;
	plan_size(&h, &s, &nothing, &p);
	assert_int_equal(p.size, 0);
	assert_false(p.fits);
}

static void test_terms_add_up(void **state)
{
	struct host h = machine;
	struct settings s = defaults;
	struct tmpfs_plan p;
	int64_t sum = 0;

	(void)state;
	h.hugetlb = GIB;
	h.cgroup_limit = 20 * GIB;
	plan_size(&h, &s, &nothing, &p);
	for (unsigned i = 0; i < p.terms; i++) {
		const struct plan_term *t = &p.term[i];

		if (t->bytes < 0 || strcmp(t->name, "MemTotal") == 0)
			sum += t->bytes;
		if (strcmp(t->name, "memory") == 0 || strcmp(t->name, "budget") == 0)
			assert_int_equal(sum, t->bytes);
	}
	assert_true(sum >= (int64_t)p.size && sum < (int64_t)(p.size + 2 * MIB));
}

static void test_json(void **state)
{
	static const char *const integers[] = {"format", "mem_total_bytes", "vcpus", "budget_bytes",
		"size_bytes", "nr_inodes", "inode_cost_bytes", "min_size_bytes"};
	struct host h = machine;
	struct tmpfs_plan p;
	json_t *j, *term;

	(void)state;
	plan_size(&h, &defaults, &nothing, &p);
	j = plan_json(&p, &h);
	for (size_t i = 0; i < ARRAY_LEN(integers); i++)
		assert_true(json_is_integer(json_object_get(j, integers[i])));
	assert_int_equal(json_integer_value(json_object_get(j, "size_bytes")), p.size);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(j, "reserve"), "system_bytes")),
		p.system);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(j, "reserve"), "jobs_bytes")),
		p.jobs);
	assert_true(json_is_true(json_object_get(j, "fits")));
	assert_string_equal(json_string_value(json_object_get(j, "bound")), "memory");
	assert_string_equal(json_string_value(json_object_get(j, "huge")), "within_size");
	assert_true(json_is_null(json_object_get(j, "mpol")));
	term = json_array_get(json_object_get(j, "terms"), 0);
	assert_string_equal(json_string_value(json_object_get(term, "name")), "MemTotal");
	assert_int_equal(json_integer_value(json_object_get(term, "bytes")), 8 * GIB);
	json_decref(j);
	h.numa_nodes = 2;
	snprintf(h.nodes, sizeof(h.nodes), "0,2");
	plan_size(&h, &defaults, &nothing, &p);
	j = plan_json(&p, &h);
	assert_string_equal(json_string_value(json_object_get(j, "mpol")), "interleave:0,2");
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_reserves),
		cmocka_unit_test(test_inodes),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_terms_add_up),
		cmocka_unit_test(test_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
