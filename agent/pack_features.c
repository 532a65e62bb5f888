/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_features.h"

#include "agent/compiler.h"
#include "agent/pack_scan.h"

#include <errno.h>
#include <string.h>

#define FILES_MAX 65536
#define LEVEL_MAX 4
#define SHOWN     128 /* bytes of a path in a message */

enum scan_kind { SCAN_NONE, SCAN_PROPERTIES, SCAN_INSTRUCTIONS };

/* By elf_needed_level(). */
static const char *const level_names[LEVEL_MAX + 1] = {[2] = "x86-64-v2", "x86-64-v3", "x86-64-v4"};

static const char *const scan_names[] = {"none", "properties", "instructions"};

/* The first file of a kind, and how many there are. */
struct seen {
	unsigned n;
	char first[SHOWN];
};

struct work {
	const struct pack_features_request *request;
	json_t *files;
	enum scan_kind scan;
	struct compiler_answer compiler; /* with cflags */
	struct cpu_features found;
	struct seen of_arch[CPU_OTHER + 1];
	struct seen at_level[LEVEL_MAX + 1];
	struct seen swept, damaged;
};

__attribute__((format(printf, 2, 3))) static void warn(
	const struct pack_features_request *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->warn)
		r->warn(text, r->ctx);
}

static void merge(struct cpu_features *into, const struct cpu_features *from)
{
	for (size_t i = 0; i < CPU_FEATURE_WORDS; i++)
		into->word[i] |= from->word[i];
}

/* " and 3 more", or nothing. */
static const char *more(const struct seen *s, char out[static 32])
{
	out[0] = '\0';
	if (s->n > 1)
		snprintf(out, 32, " and %u more", s->n - 1);
	return out;
}

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static void see(struct seen *s, const char *path)
{
	if (s->n++ == 0) {
		snprintf(s->first, sizeof(s->first), "%s", path);
		clean(s->first);
	}
}

static void add_name(const char *name, void *ctx)
{
	(void)json_array_append_new(ctx, json_string(name));
}

/* Control characters, and what is no UTF-8, as '?'. */
static json_t *path_json(const char *path)
{
	auto_free char *text = strdup(path);
	json_t *j;

	if (!text)
		return NULL;
	clean(text);
	j = json_string(text);
	for (char *c = text; !j && *c; c++)
		if (*c & 0x80)
			*c = '?';
	return j ? j : json_string(text);
}

static int report(struct work *w, const struct pack_scan_file *f, struct err *e)
{
	const struct cpu_features none = {0};
	json_t *names, *file;

	if (!w->files || json_array_size(w->files) >= FILES_MAX || cpu_has(&none, &f->features))
		return 0;
	names = json_array();
	file = json_pack("{s:o?, s:s?, s:o}", "file", path_json(f->path), "level",
		level_names[f->level], "features", names);
	cpu_each_feature(f->arch, &f->features, add_name, names);
	return json_array_append_new(w->files, file) < 0 ? err_oom(e) : 0;
}

static int found(const struct pack_scan_file *f, void *ctx, struct err *e)
{
	struct work *w = ctx;

	if (f->damaged) {
		see(&w->damaged, f->path);
		return 0;
	}
	see(&w->of_arch[f->arch], f->path);
	if (f->level)
		see(&w->at_level[f->level], f->path);
	if (f->swept)
		see(&w->swept, f->path);
	merge(&w->found, &f->features);
	return report(w, f, e);
}

static bool on_cancel(void *ctx)
{
	const struct work *w = ctx;

	return w->request->cancelled && w->request->cancelled(w->request->ctx);
}

static int scan(struct work *w, struct err *e)
{
	const struct pack_scan_request s = {
		.dir = w->request->dir,
		.instructions = w->scan == SCAN_INSTRUCTIONS,
		.cancelled = on_cancel,
		.found = found,
		.ctx = w,
	};
	char others[32];
	int rc = w->scan == SCAN_NONE ? 0 : pack_scan(&s, e);

	if (rc == 0 && w->damaged.n)
		warn(w->request, "'%s'%s: damaged ELF file, not looked into", w->damaged.first,
			more(&w->damaged, others));
	return rc;
}

static int set_scan(struct work *w, struct err *e)
{
	const char *name = w->request->scan;

	w->scan = SCAN_PROPERTIES;
	for (size_t i = 0; name && i < ARRAY_LEN(scan_names); i++) {
		if (strcmp(name, scan_names[i]) == 0) {
			w->scan = (enum scan_kind)i;
			return 0;
		}
	}
	return name ? err_set(e, ERR_USAGE, EINVAL,
			      "--scan: '%.40s' is not none, properties or instructions", name)
		    : 0;
}

static int ask_compiler(struct work *w, struct manifest *m, struct err *e)
{
	const struct pack_features_request *r = w->request;
	const char *cc = r->cc ? r->cc : getenv("CC");
	int rc;

	if (r->cc && !r->cflags)
		return err_set(e, ERR_USAGE, EINVAL, "--cc: nothing to ask without --cflags");
	if (r->march && !manifest_is_name(r->march))
		return err_set(e, ERR_USAGE, EINVAL, "--march: '%.40s' is no name", r->march);
	rc = r->cflags ? compiler_ask(cc && *cc ? cc : "cc", r->cflags, &w->compiler, e) : 0;
	if (rc == 0)
		snprintf(m->march, sizeof(m->march), "%s", r->march ? r->march : w->compiler.march);
	return rc;
}

static bool arch_by_name(const char *name, enum cpu_arch *ret)
{
	static const enum cpu_arch known[] = {CPU_X86_64, CPU_AARCH64, CPU_OTHER};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(name, cpu_arch_name(known[i])) == 0) {
			*ret = known[i];
			return true;
		}
	}
	return false;
}

/* What is declared, before the files are looked at; *ret_said = false: nothing is. */
static int declared_arch(const struct work *w, struct manifest *m, bool *ret_said, struct err *e)
{
	const struct pack_features_request *r = w->request;
	const struct cpu_target *t = cpu_target_find(*m->march ? m->march : m->key);

	*ret_said = true;
	if (r->arch) {
		if (!arch_by_name(r->arch, &m->arch))
			return err_set(e, ERR_USAGE, EINVAL,
				"--arch: '%.40s' is not x86_64, aarch64 or other", r->arch);
	} else if (t) {
		m->arch = t->arch;
	} else if (!arch_by_name(m->key, &m->arch)) {
		m->arch = w->compiler.arch;
		*ret_said = r->cflags != NULL;
	}
	if (r->cflags && m->arch != w->compiler.arch)
		return err_set(e, ERR_USAGE, EINVAL,
			"--cflags: the compiler makes code for %s, but the archive is for %s",
			cpu_arch_name(w->compiler.arch), cpu_arch_name(m->arch));
	return 0;
}

static enum cpu_arch this_arch(void)
{
#if defined(__aarch64__)
	return CPU_AARCH64;
#else
	return CPU_X86_64;
#endif
}

static void arch_of_files(const struct work *w, struct manifest *m)
{
	const bool x86 = w->of_arch[CPU_X86_64].n > 0, arm = w->of_arch[CPU_AARCH64].n > 0;

	m->arch = x86 == arm ? this_arch() : x86 ? CPU_X86_64 : CPU_AARCH64;
}

/* Files of neither architecture are firmware, code for graphics processors and the like. */
static int check_files(const struct work *w, const struct manifest *m, struct err *e)
{
	const enum cpu_arch other = m->arch == CPU_X86_64 ? CPU_AARCH64 : CPU_X86_64;
	const struct seen *alien = &w->of_arch[other];
	char others[32];

	if (m->arch == CPU_OTHER && alien->n == 0)
		alien = &w->of_arch[CPU_AARCH64];
	if (alien->n == 0)
		return 0;
	more(alien, others);
	if (w->request->arch || w->of_arch[m->arch].n > 0) {
		warn(w->request, "'%s'%s: not for %s, as the archive is", alien->first, others,
			cpu_arch_name(m->arch));
		return 0;
	}
	return err_set(e, ERR_USAGE, EINVAL,
		"'%s'%s: for %s, and the archive is for %s: choose another key or --march, or say "
		"--arch",
		alien->first, others, cpu_arch_name(other), cpu_arch_name(m->arch));
}

static int add_required(const char *list, struct manifest *m, struct err *e)
{
	char name[MANIFEST_NAME];

	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, ",");

		snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), p);
		if (!cpu_feature_add(m->arch, name, &m->features))
			return err_set(e, ERR_USAGE, EINVAL,
				"--requires: '%.*s' is no feature of %s",
				(int)(len < 40 ? len : 40), p, cpu_arch_name(m->arch));
		p += len + (p[len] == ',');
	}
	return 0;
}

static int declared_features(const struct work *w, struct manifest *m, struct err *e)
{
	const struct pack_features_request *r = w->request;
	const struct cpu_target *t = r->march ? cpu_target_find(r->march) : NULL;

	m->features = w->compiler.features;
	if (r->march && (t ? t->arch != m->arch : !r->cflags))
		return err_set(e, ERR_USAGE, EINVAL,
			"--march: '%s' is not known for %s: use --cflags or --requires", r->march,
			cpu_arch_name(m->arch));
	if (t)
		merge(&m->features, &t->needs);
	return add_required(r->requires, m, e);
}

/* A target as key is a declaration, too. */
static void warn_undeclared(const struct work *w, const struct manifest *m)
{
	const struct cpu_target *key = cpu_target_find(m->key);
	struct cpu_features declared = m->features;
	char others[32];

	if (key && key->arch == m->arch)
		merge(&declared, &key->needs);
	for (unsigned n = LEVEL_MAX; n >= 2; n--) {
		const struct cpu_target *t = cpu_target_find(level_names[n]);
		const char *missing = cpu_first_missing(t->arch, &declared, &t->needs);

		if (w->at_level[n].n == 0 || !missing)
			continue;
		warn(w->request,
			"'%s'%s: linked as needing %s, but %s is not declared: use "
			"--scan=properties or --march",
			w->at_level[n].first, more(&w->at_level[n], others), level_names[n],
			missing);
		return;
	}
}

static void add_found(const struct work *w, struct manifest *m)
{
	const struct pack_features_request *r = w->request;
	const bool declared = r->march || r->cflags || r->requires || cpu_target_find(m->key);

	if (m->arch != CPU_X86_64)
		return;
	if (declared && !r->scan) {
		warn_undeclared(w, m);
		return;
	}
	merge(&m->features, &w->found);
	/* Instructions that need nothing are a proof as well; it must not look like silence. */
	if (w->swept.n)
		merge(&m->features, &cpu_target_find("x86-64")->needs);
}

static int decide(struct work *w, struct manifest *m, struct err *e)
{
	bool said = false;
	int rc = set_scan(w, e);

	if (rc == 0)
		rc = ask_compiler(w, m, e);
	if (rc == 0)
		rc = declared_arch(w, m, &said, e);
	if (rc == 0)
		rc = scan(w, e);
	if (rc == 0 && !said)
		arch_of_files(w, m);
	if (rc == 0)
		rc = check_files(w, m, e);
	if (rc == 0)
		rc = declared_features(w, m, e);
	if (rc == 0)
		add_found(w, m);
	return rc;
}

int pack_features(
	const struct pack_features_request *r, struct manifest *m, json_t *files, struct err *e)
{
	auto_free struct work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_oom(e);
	w->request = r;
	w->files = files;
	rc = decide(w, m, e);
	return rc < 0 ? err_ctx(e, "pack") : 0;
}
