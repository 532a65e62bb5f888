/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/target.h"

#include "common/cpu_target.h"
#include "common/instance_type.h"
#include "common/near.h"
#include "controller/arch.h"

#include <errno.h>
#include <string.h>

struct family {
	const char *name;
	const char *march;
};

/*
 * The current ones first, then older ones. Where machines of a family come with several processors
 * it is what all of them have: t2 and m4 with Haswell or Broadwell, m3 with Sandy Bridge or Ivy
 * Bridge; c5, m5, r5, t3 and i3en with Skylake or Cascade Lake. Families for accelerators and the
 * oldest, whose machines differ more, are not here.
 */
static const struct family families[] = {
	{"c8a", "znver5"},
	{"m8a", "znver5"},
	{"r8a", "znver5"},
	{"m8azn", "znver5"},
	{"hpc8a", "znver5"},
	{"x8aedz", "znver5"},
	{"c8i", "graniterapids"},
	{"c8i-flex", "graniterapids"},
	{"c8id", "graniterapids"},
	{"m8i", "graniterapids"},
	{"m8i-flex", "graniterapids"},
	{"m8id", "graniterapids"},
	{"r8i", "graniterapids"},
	{"r8i-flex", "graniterapids"},
	{"r8id", "graniterapids"},
	{"x8i", "graniterapids"},
	{"c8g", "neoverse-v2"},
	{"c8gd", "neoverse-v2"},
	{"c8gn", "neoverse-v2"},
	{"c8gb", "neoverse-v2"},
	{"m8g", "neoverse-v2"},
	{"m8gd", "neoverse-v2"},
	{"m8gn", "neoverse-v2"},
	{"m8gb", "neoverse-v2"},
	{"r8g", "neoverse-v2"},
	{"r8gd", "neoverse-v2"},
	{"r8gn", "neoverse-v2"},
	{"r8gb", "neoverse-v2"},
	{"x8g", "neoverse-v2"},
	{"i8g", "neoverse-v2"},
	{"i8ge", "neoverse-v2"},

	{"c7a", "znver4"},
	{"m7a", "znver4"},
	{"r7a", "znver4"},
	{"hpc7a", "znver4"},
	{"c7i", "sapphirerapids"},
	{"c7i-flex", "sapphirerapids"},
	{"m7i", "sapphirerapids"},
	{"m7i-flex", "sapphirerapids"},
	{"r7i", "sapphirerapids"},
	{"r7iz", "sapphirerapids"},
	{"i7i", "emeraldrapids"},
	{"i7ie", "emeraldrapids"},
	{"c7g", "neoverse-v1"},
	{"c7gd", "neoverse-v1"},
	{"c7gn", "neoverse-v1"},
	{"m7g", "neoverse-v1"},
	{"m7gd", "neoverse-v1"},
	{"r7g", "neoverse-v1"},
	{"r7gd", "neoverse-v1"},
	{"hpc7g", "neoverse-v1"},

	{"c6a", "znver3"},
	{"m6a", "znver3"},
	{"r6a", "znver3"},
	{"hpc6a", "znver3"},
	{"c6i", "icelake-server"},
	{"c6id", "icelake-server"},
	{"c6in", "icelake-server"},
	{"m6i", "icelake-server"},
	{"m6id", "icelake-server"},
	{"m6in", "icelake-server"},
	{"m6idn", "icelake-server"},
	{"r6i", "icelake-server"},
	{"r6id", "icelake-server"},
	{"r6in", "icelake-server"},
	{"r6idn", "icelake-server"},
	{"x2idn", "icelake-server"},
	{"x2iedn", "icelake-server"},
	{"i4i", "icelake-server"},
	{"hpc6id", "icelake-server"},
	{"c6g", "neoverse-n1"},
	{"c6gd", "neoverse-n1"},
	{"c6gn", "neoverse-n1"},
	{"m6g", "neoverse-n1"},
	{"m6gd", "neoverse-n1"},
	{"r6g", "neoverse-n1"},
	{"r6gd", "neoverse-n1"},
	{"t4g", "neoverse-n1"},
	{"x2gd", "neoverse-n1"},
	{"i4g", "neoverse-n1"},
	{"im4gn", "neoverse-n1"},
	{"is4gen", "neoverse-n1"},

	{"c5", "skylake-avx512"},
	{"c5d", "skylake-avx512"},
	{"c5n", "skylake-avx512"},
	{"c5a", "znver2"},
	{"c5ad", "znver2"},
	{"m5", "skylake-avx512"},
	{"m5d", "skylake-avx512"},
	{"m5n", "cascadelake"},
	{"m5dn", "cascadelake"},
	{"m5zn", "cascadelake"},
	{"m5a", "znver1"},
	{"m5ad", "znver1"},
	{"r5", "skylake-avx512"},
	{"r5b", "skylake-avx512"},
	{"r5d", "skylake-avx512"},
	{"r5n", "cascadelake"},
	{"r5dn", "cascadelake"},
	{"r5a", "znver1"},
	{"r5ad", "znver1"},
	{"t3", "skylake-avx512"},
	{"t3a", "znver1"},
	{"z1d", "skylake-avx512"},
	{"x2iezn", "cascadelake"},
	{"i3en", "skylake-avx512"},
	{"d3", "cascadelake"},
	{"d3en", "cascadelake"},
	{"a1", "cortex-a72"},

	{"c4", "haswell"},
	{"m4", "haswell"},
	{"r4", "broadwell"},
	{"t2", "haswell"},
	{"i3", "broadwell"},
	{"h1", "broadwell"},
	{"d2", "haswell"},
	{"x1", "haswell"},
	{"x1e", "haswell"},
	{"c3", "ivybridge"},
	{"m3", "sandybridge"},
	{"r3", "ivybridge"},
	{"i2", "ivybridge"},
};

/* Sizes of a family that come with one of its processors alone. */
static const struct family sizes[] = {
	{"c5.12xlarge", "cascadelake"},
	{"c5.24xlarge", "cascadelake"},
	{"c5.metal", "cascadelake"},
	{"c5d.12xlarge", "cascadelake"},
	{"c5d.24xlarge", "cascadelake"},
	{"c5d.metal", "cascadelake"},
};

static const char *march_in(const struct family *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, name) == 0)
			return list[i].march;
	}
	return NULL;
}

/* What the machines of this name have; NULL: not known. */
static const char *implied(const char *name)
{
	const char *march = march_in(sizes, ARRAY_LEN(sizes), name);
	char family[TARGET_NAME];

	target_family(name, family);
	return march ? march : march_in(families, ARRAY_LEN(families), family);
}

void target_family(const char *type, char out[static TARGET_NAME])
{
	snprintf(out, TARGET_NAME, "%.*s", (int)strcspn(type, "."), type);
}

static int unknown(const char *name, struct err *e)
{
	struct near n = near_begin(name);
	char family[TARGET_NAME];

	for (size_t i = 0; i < ARCHS; i++)
		near_consider(&n, arch_names[i]);
	for (const struct cpu_target *t = cpu_targets; t->name; t++)
		near_consider(&n, t->name);
	target_family(name, family);
	if (!n.name && strchr(name, '.'))
		n = near_begin(family);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		near_consider(&n, families[i].name);
	return err_set(e, ERR_CONFIG, EINVAL,
		"'%.64s' is no target%s%s%s: use an instance type, a family, a processor, a level "
		"or an architecture",
		name, n.name ? ": did you mean '" : "", n.name ? n.name : "", n.name ? "'?" : "");
}

static int unknown_march(const char *march, struct err *e)
{
	struct near n = near_begin(march);

	for (const struct cpu_target *t = cpu_targets; t->name; t++)
		near_consider(&n, t->name);
	return err_set(e, ERR_CONFIG, EINVAL,
		"march '%.64s' is not known%s%s%s: use a name that GCC gives a processor", march,
		n.name ? ": did you mean '" : "", n.name ? n.name : "", n.name ? "'?" : "");
}

static void fill(const char *name, const char *arch, const char *march, struct target *ret)
{
	*ret = (struct target){0};
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->arch, sizeof(ret->arch), "%s", arch);
	snprintf(ret->march, sizeof(ret->march), "%s", march);
}

/* A name that says all: an architecture, a processor, a level. */
static bool find_plain(const char *name, struct target *ret)
{
	const struct cpu_target *t = cpu_target_find(name);

	if (arch_find(name)) {
		fill(name, name, "", ret);
		return true;
	}
	if (t)
		fill(t->name, cpu_arch_name(t->arch), t->name, ret);
	return t != NULL;
}

static int find_machine(const char *name, const char *march, struct target *ret, struct err *e)
{
	const char *has = implied(name);
	const struct cpu_target *own = has ? cpu_target_find(has) : NULL;
	const struct cpu_target *t = march ? cpu_target_find(march) : own;

	if (march && !t)
		return unknown_march(march, e);
	if (!t)
		return err_set(e, ERR_CONFIG, EINVAL,
			"the processor of '%.64s' is not known: say march= in its [target %.64s]",
			name, name);
	if (own && (own->arch != t->arch || !cpu_has(&own->needs, &t->needs)))
		return err_set(e, ERR_CONFIG, EINVAL,
			"march '%.64s' is more than machines of '%.64s' have, or another "
			"architecture: they have %s",
			march, name, own->name);
	fill(name, cpu_arch_name(t->arch), t->name, ret);
	return 0;
}

int target_find(const char *name, const char *march, struct target *ret, struct err *e)
{
	if (march && !*march)
		march = NULL;
	if (strlen(name) >= TARGET_NAME)
		return err_set(
			e, ERR_CONFIG, ENAMETOOLONG, "'%.40s…' is too long for a target", name);
	if (find_plain(name, ret)) {
		if (march)
			return err_set(e, ERR_CONFIG, EINVAL,
				"'%s' says already what it is compiled for: leave march= out, or "
				"name the target '%.64s'",
				name, march);
		return 0;
	}
	if (!instance_type_is_key(name))
		return unknown(name, e);
	return find_machine(name, march, ret, e);
}

void target_option(const struct target *t, char out[static TARGET_NAME + 8])
{
	out[0] = '\0';
	if (t->march[0])
		snprintf(out, TARGET_NAME + 8, "%s%s",
			arch_is_arm(t->arch) ? "-mcpu=" : "-march=", t->march);
}

static bool runs(const struct family *f, const struct target *t)
{
	const struct cpu_target *has = cpu_target_find(f->march);
	const struct cpu_target *wants = cpu_target_find(t->march);

	return strcmp(cpu_arch_name(has->arch), t->arch) == 0 &&
	       (!wants || cpu_has(&has->needs, &wants->needs));
}

size_t target_families(const struct target *t, const char **ret, size_t max)
{
	size_t n = 0;

	for (int other = 0; other < 2; other++) {
		for (size_t i = 0; i < ARRAY_LEN(families) && n + 1 < max; i++) {
			const struct family *f = &families[i];

			if ((strcmp(f->march, t->march) != 0) == other && runs(f, t))
				ret[n++] = f->name;
		}
	}
	if (max > 0)
		ret[n] = NULL;
	return n;
}
