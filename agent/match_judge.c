/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/match.h"
#include "common/instance_type.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* By how fast each unpacks, which makes equal keys differ in rank; ours, which is unpacked in
 * parallel and carries its manifest, first. */
static const char *const suffixes[] = {".tar.bz2", ".tar.xz", ".tar.gz", ".tar.lz4", ".tar.zst"};

/* rank = kind, target's rank, format. */
#define RANK_KIND_SHIFT   16
#define RANK_TARGET_SHIFT 3

const char *key_kind_name(enum key_kind k)
{
	static const char *const names[] = {
		[KEY_NONE] = "none",
		[KEY_GENERIC] = "architecture",
		[KEY_TARGET] = "cpu",
		[KEY_BASE_FAMILY] = "base family",
		[KEY_FAMILY] = "family",
		[KEY_TYPE] = "instance type",
		[KEY_FOREIGN] = "other machine",
	};

	return (unsigned)k < ARRAY_LEN(names) ? names[k] : "none";
}

/* The archive's place in suffixes, counted from 1; 0: not an archive. */
static unsigned format_of(const char *file, size_t *ret_stem)
{
	size_t len = strlen(file);

	for (unsigned i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && strcmp(file + len - n, suffixes[i]) == 0) {
			*ret_stem = len - n;
			return i + 1;
		}
	}
	return 0;
}

static bool arch_of(const char *generic, enum cpu_arch *ret)
{
	static const enum cpu_arch known[] = {CPU_X86_64, CPU_AARCH64};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(generic, cpu_arch_name(known[i])) == 0) {
			*ret = known[i];
			return true;
		}
	}
	return false;
}

/* What this machine itself is called comes first: its names are keys whatever they look like. */
static enum key_kind kind_of(const char *key, const struct match_machine *m)
{
	char family[INSTANCE_FAMILY], base[INSTANCE_FAMILY];
	enum cpu_arch arch;

	instance_type_family(m->instance_type, family);
	instance_type_base_family(family, base);
	if (strcmp(key, m->instance_type) == 0)
		return KEY_TYPE;
	if (strcmp(key, family) == 0)
		return KEY_FAMILY;
	if (strcmp(key, base) == 0)
		return KEY_BASE_FAMILY;
	if (arch_of(key, &arch))
		return KEY_GENERIC;
	if (cpu_target_find(key))
		return KEY_TARGET;
	return instance_type_is_key(key) ? KEY_FOREIGN : KEY_NONE;
}

bool match_split(const char *file, const struct match_machine *m, struct candidate *ret)
{
	struct candidate c = {.kind = KEY_NONE};
	size_t len = strlen(file), stem = 0;

	if (len >= sizeof(c.file) || !format_of(file, &stem) || stem >= sizeof(c.app))
		return false;
	memcpy(c.file, file, len + 1);
	memcpy(c.app, file, stem);
	if (!manifest_is_name(c.app))
		return false;
	/* From the left: the longest suffix that is a key. */
	for (size_t i = 1; i + 1 < stem; i++) {
		if (c.app[i] != '_')
			continue;
		c.kind = kind_of(c.app + i + 1, m);
		if (c.kind != KEY_NONE) {
			memcpy(c.key, c.app + i + 1, stem - i);
			c.app[i] = '\0';
			break;
		}
	}
	*ret = c;
	return true;
}

static void refuse(struct candidate *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct candidate *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why_not, sizeof(c->why_not), fmt, ap);
	va_end(ap);
}

/* Each of the checks below returns false after refuse(). */
static bool check_names(struct candidate *c)
{
	const struct manifest *f = &c->manifest;

	if (f->present && (strcmp(f->app, c->app) != 0 || strcmp(f->key, c->key) != 0)) {
		refuse(c, "its manifest says app '%.60s' and key '%.60s', its name does not",
			f->app, f->key);
		return false;
	}
	return true;
}

static bool check_machine(const struct match_machine *m, struct candidate *c)
{
	if (c->kind != KEY_FOREIGN)
		return true;
	if (m->instance_type[0])
		refuse(c, "made for %.80s, this machine is %.80s", c->key, m->instance_type);
	else
		refuse(c, "made for %.80s, the type of this machine is not known", c->key);
	return false;
}

static bool check_arch(const struct cpu *cpu, enum cpu_arch arch, struct candidate *c)
{
	if (arch == CPU_OTHER || arch == cpu->arch)
		return true;
	if (cpu->arch == CPU_OTHER)
		refuse(c, "built for %s, this machine is something else or not known",
			cpu_arch_name(arch));
	else
		refuse(c, "built for %s, this machine is %s", cpu_arch_name(arch),
			cpu_arch_name(cpu->arch));
	return false;
}

static bool check_target(
	const struct match_machine *m, const struct cpu_target *t, struct candidate *c)
{
	const char *missing;

	if (!check_arch(m->cpu, t->arch, c))
		return false;
	missing = cpu_first_missing(t->arch, &m->cpu->features, &t->needs);
	if (missing)
		refuse(c, "%s needs %s, which this CPU lacks", t->name, missing);
	return !missing;
}

/* GCC's names for what every CPU of the architecture has. */
static bool is_baseline(const char *march)
{
	return !march[0] || strcmp(march, "generic") == 0 || strcmp(march, "armv8-a") == 0;
}

static bool check_manifest(const struct match_machine *m, struct candidate *c)
{
	const struct manifest *f = &c->manifest;
	const struct cpu_features none = {0};
	const struct cpu_target *t = f->march[0] ? cpu_target_find(f->march) : NULL;
	bool lists = !cpu_has(&none, &f->features);
	const char *missing;

	if (!f->present)
		return true;
	if (!check_arch(m->cpu, f->arch, c))
		return false;
	if (f->unknown_feature[0]) {
		refuse(c, "needs %.100s, a CPU feature this version does not know",
			f->unknown_feature);
		return false;
	}
	missing = cpu_first_missing(f->arch, &m->cpu->features, &f->features);
	if (missing) {
		refuse(c, "needs %s, which this CPU lacks", missing);
		return false;
	}
	if (t)
		return check_target(m, t, c);
	if (!lists && !is_baseline(f->march)) {
		refuse(c,
			"built for %.100s, which this version does not know, and lists no features",
			f->march);
		return false;
	}
	return true;
}

/* c5n, c5a and c5d are different processors: c5 says nothing without what it needs. */
static bool check_base_family(struct candidate *c)
{
	const struct manifest *f = &c->manifest;
	const struct cpu_features none = {0};

	if (c->kind != KEY_BASE_FAMILY)
		return true;
	if (!f->present) {
		refuse(c,
			"%.80s is only a base family of this machine and the archive has no manifest",
			c->key);
		return false;
	}
	if (is_baseline(f->march) && cpu_has(&none, &f->features)) {
		refuse(c,
			"%.80s is only a base family of this machine and the manifest names neither "
			"march nor features",
			c->key);
		return false;
	}
	return true;
}

static bool check_key(const struct match_machine *m, struct candidate *c)
{
	enum cpu_arch arch;

	if (c->kind == KEY_TARGET)
		return check_target(m, cpu_target_find(c->key), c);
	if (c->kind == KEY_GENERIC && arch_of(c->key, &arch))
		return check_arch(m->cpu, arch, c);
	return check_base_family(c);
}

void match_judge(const struct match_machine *m, struct candidate *c)
{
	unsigned target = 0;
	size_t stem;

	c->rank = 0;
	c->why_not[0] = '\0';
	if (!check_names(c) || !check_machine(m, c) || !check_key(m, c) || !check_manifest(m, c))
		return;
	if (c->kind == KEY_TARGET)
		target = cpu_target_rank(m->cpu, cpu_target_find(c->key));
	c->rank = ((unsigned)c->kind + 1) << RANK_KIND_SHIFT | target << RANK_TARGET_SHIFT |
		  format_of(c->file, &stem);
}
