/* SPDX-License-Identifier: Apache-2.0 */
/* CycloneDX 1.5 JSON; package URLs by the purl specification. */
#include "controller/image/image_manifest.h"

#include "common/fs.h"
#include "common/json.h"
#include "common/num.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PURL_MAX 1024

static void percent(char *out, size_t size, const char *text)
{
	size_t n = strlen(out);

	for (; *text && n + 4 < size; text++) {
		if (isalnum((unsigned char)*text) || strchr(".-_~:", *text))
			n += (size_t)snprintf(out + n, size - n, "%c", *text);
		else
			n += (size_t)snprintf(
				out + n, size - n, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

static void add(char *out, size_t size, const char *text)
{
	const size_t n = strlen(out);

	snprintf(out + n, size - n, "%s", text);
}

/* "pkg:rpm/amzn/zlib@1.2.11-33?arch=x86_64&epoch=1&distro=amzn-2023" */
static void purl(const struct image_manifest *m, const struct image_package *p, char *out)
{
	const bool rpm = strcmp(p->manager, "rpm") == 0;
	const char *version = p->version;
	char epoch[16] = "";

	if (rpm && strchr(version, ':')) {
		snprintf(epoch, sizeof(epoch), "%.*s", (int)strcspn(version, ":"), version);
		version = strchr(version, ':') + 1;
	}
	snprintf(out, PURL_MAX, "pkg:%s/", rpm ? "rpm" : "deb");
	percent(out, PURL_MAX, m->os);
	add(out, PURL_MAX, "/");
	percent(out, PURL_MAX, p->name);
	add(out, PURL_MAX, "@");
	percent(out, PURL_MAX, version);
	add(out, PURL_MAX, "?arch=");
	percent(out, PURL_MAX, p->arch);
	if (*epoch && strcmp(epoch, "0") != 0) {
		add(out, PURL_MAX, "&epoch=");
		percent(out, PURL_MAX, epoch);
	}
	add(out, PURL_MAX, "&distro=");
	percent(out, PURL_MAX, m->os);
	add(out, PURL_MAX, "-");
	percent(out, PURL_MAX, m->os_version);
}

static json_t *package_json(const struct image_manifest *m, const struct image_package *p)
{
	char url[PURL_MAX];

	purl(m, p, url);
	return json_pack("{s:s, s:s, s:o, s:o, s:s}", "type", "library", "bom-ref", url, "name",
		json_string_lossy(p->name), "version", json_string_lossy(p->version), "purl", url);
}

static json_t *hashes(const char *digest)
{
	return json_pack("[{s:s, s:s}]", "alg", "SHA-256", "content", digest);
}

/* version: NULL where it has none. */
static json_t *file_json(
	const char *type, const char *what, const struct bake_file *f, const char *version)
{
	char ref[BAKE_NAME + 32];

	snprintf(ref, sizeof(ref), "%s:%s", what, f->name);
	return json_pack("{s:s, s:s, s:o, s:s*, s:o}", "type", type, "bom-ref", ref, "name",
		json_string_lossy(f->name), "version", version && *version ? version : NULL,
		"hashes", hashes(f->digest));
}

/* The digest of a directory is ours alone: no hash of CycloneDX's. */
static json_t *tree_json(const struct bake_file *f)
{
	char ref[BAKE_NAME + 32];

	snprintf(ref, sizeof(ref), "copy:%s", f->name);
	return json_pack("{s:s, s:s, s:o, s:[{s:s, s:s}]}", "type", "data", "bom-ref", ref, "name",
		json_string_lossy(f->name), "properties", "name", "shared-prep:tree-sha256",
		"value", f->digest);
}

static json_t *container_json(const char *name)
{
	char ref[BAKE_NAME + 64];

	snprintf(ref, sizeof(ref), "container:%s", name);
	return json_pack("{s:s, s:s, s:s}", "type", "container", "bom-ref", ref, "name", name);
}

static json_t *components(
	const struct image_manifest *m, const struct bake *b, const struct image_origin *o)
{
	const struct image_spec *i = &b->project->image;
	json_t *a = json_array();
	int bad = json_array_append_new(
		a, json_pack("{s:s, s:s, s:o, s:s}", "type", "operating-system", "bom-ref", "base",
			   "name", json_string_lossy(o->base), "description",
			   "what the image starts from"));

	bad |= json_array_append_new(
		a, file_json("application", "agent", &b->rpm.file, b->rpm.version));
	for (size_t k = 0; k < b->n_archives; k++)
		bad |= json_array_append_new(a,
			file_json("file", "archive", &b->archive[k].file, b->archive[k].version));
	for (size_t k = 0; k < i->copy.len; k++)
		bad |= json_array_append_new(
			a, S_ISDIR(b->copy[k].mode) ? tree_json(&b->copy[k])
						    : file_json("file", "copy", &b->copy[k], NULL));
	for (size_t k = 0; k < i->containers.len; k++)
		bad |= json_array_append_new(a, container_json(i->containers.word[k]));
	for (size_t k = 0; k < m->n_packages; k++)
		bad |= json_array_append_new(a, package_json(m, &m->package[k]));
	if (bad) {
		json_decref(a);
		return NULL;
	}
	return a;
}

int image_bom_write(const struct image_manifest *m, const struct bake *b,
	const struct image_origin *o, const char *path, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(64 * MIB);
	auto_json json_t *bom = json_pack("{s:s, s:s, s:i, s:{s:{s:s, s:s, s:s}}, s:o}",
		"bomFormat", "CycloneDX", "specVersion", "1.5", "version", 1, "metadata",
		"component", "type", "operating-system", "bom-ref", "image", "name", o->name,
		"components", components(m, b, o));
	int rc = bom ? json_text(bom, &text, e) : err_oom(e);

	return rc < 0 ? rc : fs_write_atomic(AT_FDCWD, path, 0644, text.data, text.len, e);
}
