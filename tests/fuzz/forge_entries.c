/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/forge_private.h"

#include "agent/pack_header.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE (2 * ENTRY_PATH)

static uint8_t take(struct forge *f)
{
	if (f->left == 0)
		return 0;
	f->left--;
	return *f->in++;
}

static uint32_t take_number(struct forge *f, unsigned bytes)
{
	uint32_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | take(f);
	return n;
}

static void take_raw(struct forge *f, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (char)take(f);
	out[len] = '\0';
}

static const char *name_of(const struct forge *f, unsigned i)
{
	return f->n_names > 0 ? f->names.data + f->name_at[i % f->n_names] : "";
}

/* A component, or all of a path, that an engine may stumble over. */
static void odd_name(unsigned which, char out[static NAME_SIZE])
{
	static const char *const odd[] = {"", ".", "..", "/", "a", "app", "app_c5", "a/b", "a//b",
		"./a", "a/.", "a/..", "../outside", "../outside/victim", "/abs", "a/b/c/d/e",
		"a/../b", "x/", "new\nline", "\xc3\xa4", "\xff", "a b", "z", "~"};

	if (which < ARRAY_LEN(odd)) {
		snprintf(out, NAME_SIZE, "%s", odd[which]);
		return;
	}
	which -= ARRAY_LEN(odd);
	switch (which % 4) {
	case 0: /* around the longest component */
		memset(out, 'n', 256);
		out[254 + which / 4 % 3] = '\0';
		break;
	case 1: /* around the longest path */
		for (size_t i = 0; i < ENTRY_PATH + 2; i++)
			out[i] = i % 3 == 2 ? '/' : 'd';
		out[ENTRY_PATH - 2 + which / 4 % 4] = '\0';
		break;
	default: /* around what a header holds */
		memset(out, 'h', 110);
		out[98 + which / 4 % 5] = '\0';
		break;
	}
}

/* The byte that begins a name says how it is made, mostly from the one before, so that names rise.
 */
static void take_name(struct forge *f, char out[static NAME_SIZE])
{
	const uint8_t how = take(f);
	const char *last = name_of(f, f->n_names - 1);
	size_t len = strlen(last);
	char *slash;

	snprintf(out, NAME_SIZE, "%s", last);
	if (how < 32) {
		take_raw(f, how, out);
	} else if (how < 96) { /* a later name in a directory above */
		for (unsigned up = (how - 32U) / 16; up > 0; up--) {
			slash = strrchr(out, '/');
			if (slash)
				*slash = '\0';
		}
		len = strlen(out);
		if (len > 0)
			out[len - 1] = (char)(out[len - 1] + 1 + how % 4);
	} else if (how < 160) { /* beneath it */
		snprintf(out + len, NAME_SIZE - len, "/%c", 'a' + how % 16);
	} else if (how < 192) {
		snprintf(out, NAME_SIZE, "%s", name_of(f, how - 160U));
	} else {
		odd_name(how - 192U, out);
	}
}

/* The frame at hand ends here. */
static bool cut(struct forge *f)
{
	if (f->plain.len == f->cut)
		return true;
	if (f->index.n_frames >= FORGE_FRAMES)
		return false;
	f->size[f->index.n_frames++] = f->plain.len - f->cut;
	f->cut = f->plain.len;
	return true;
}

static bool pad(struct forge *f)
{
	static const char zero[PACK_BLOCK];

	return buf_add(&f->plain, zero, -f->plain.len % PACK_BLOCK) == 0;
}

static bool note_name(struct forge *f, const char *name)
{
	if (f->n_names >= FORGE_ENTRIES)
		return false;
	f->name_at[f->n_names++] = f->names.len;
	return buf_add(&f->names, name, strlen(name) + 1) == 0;
}

static bool note_dir(struct forge *f, const char *name)
{
	struct archive_index *i = &f->index;
	size_t len = strlen(name);

	while (len > 1 && name[len - 1] == '/')
		len--;
	if (i->n_dirs >= FORGE_DIRS)
		return false;
	i->dir[i->n_dirs].frame = i->n_frames;
	i->dir[i->n_dirs].path = strndup(name, len);
	return i->dir[i->n_dirs].path && ++i->n_dirs > 0;
}

static bool add_header(
	struct forge *f, char type, const char *name, const char *link, uint64_t size)
{
	struct pack_entry n = {
		.path = name,
		.link = link,
		.type = type,
		.mode = f->mode,
		.uid = f->uid,
		.gid = f->gid,
		.size = size,
		.mtime = f->mtime,
		.xattrs = f->records,
	};
	struct err e = ERR_INIT;
	bool good = pack_header(&n, &f->plain, &e) == 0;

	f->header = f->plain.len - PACK_BLOCK;
	f->manifest.entries++;
	buf_reset(&f->records);
	return good && note_name(f, f->as ? f->as : name);
}

static bool add_dir(struct forge *f)
{
	char name[NAME_SIZE];

	take_name(f, name);
	return note_dir(f, name) && add_header(f, '5', name, "", 0);
}

static bool add_content(struct forge *f, size_t len, uint8_t seed)
{
	if (len > FORGE_PLAIN || buf_reserve(&f->plain, len) < 0)
		return false;
	for (size_t i = 0; i < len; i++)
		f->plain.data[f->plain.len++] = (char)(seed + i / 64);
	return pad(f);
}

static void count_file(struct forge *f, uint64_t size)
{
	f->manifest.bytes += size;
	if (size > f->manifest.largest)
		f->manifest.largest = size;
}

/* As pack cuts what is larger than a frame: the file begins with the byte begin of plain, and its
 * headers, which end with byte head, are all in the first one. */
static bool cut_span(struct forge *f, size_t begin, size_t head, uint8_t blocks)
{
	struct archive_index *i = &f->index;
	const uint32_t first = i->n_frames;
	const size_t frame = head - begin + (size_t)blocks * PACK_BLOCK;
	size_t end = f->plain.len;

	while (end - begin > frame) {
		begin += frame;
		f->plain.len = begin;
		if (!cut(f))
			return false;
	}
	f->plain.len = end;
	if (i->n_frames == first)
		return true;
	if (!cut(f) || i->n_spans >= FORGE_SPANS)
		return false;
	i->span[i->n_spans++] = (struct archive_span){first, i->n_frames - first};
	return true;
}

static bool add_file(struct forge *f, bool spans)
{
	char name[NAME_SIZE];
	const uint8_t blocks = spans ? take(f) : 0;
	size_t begin, head, len;

	take_name(f, name);
	len = take_number(f, 2);
	count_file(f, len);
	if (spans && !cut(f))
		return false;
	begin = f->plain.len;
	if (!add_header(f, '0', name, "", len))
		return false;
	head = f->plain.len;
	return add_content(f, len, take(f)) && (!spans || cut_span(f, begin, head, blocks));
}

static bool add_link(struct forge *f, char type)
{
	char name[NAME_SIZE], link[NAME_SIZE];

	take_name(f, name);
	if (type == '1')
		snprintf(link, sizeof(link), "%s", name_of(f, take(f)));
	else
		take_name(f, link);
	return add_header(f, type, name, link, 0);
}

static bool add_record(struct forge *f, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total = rest;

	for (size_t n = rest; n > 0; n /= 10)
		total++;
	if (snprintf(NULL, 0, "%zu", total) != snprintf(NULL, 0, "%zu", rest))
		total = rest + (size_t)snprintf(NULL, 0, "%zu", total);
	return buf_addf(&f->records, "%zu %s=", total, key) == 0 &&
	       buf_add(&f->records, value, len) == 0 && buf_adds(&f->records, "\n") == 0;
}

/* As GNU tar's version 1.0 has it: the map is the first part of the content. */
static bool add_sparse(struct forge *f, bool spans)
{
	auto_buf struct buf map = BUF_INIT(65536);
	char name[NAME_SIZE], text[32];
	uint64_t end = 0, stored = 0;
	const unsigned n = take(f) % 9;
	const uint8_t blocks = spans ? take(f) : 0;
	size_t begin, head;

	if (buf_addf(&map, "%u\n", n + 1) < 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = end + 16U * take(f), len = 128U * (take(f) & 31U);

		if (buf_addf(&map, "%llu\n%llu\n", (unsigned long long)at,
			    (unsigned long long)len) < 0)
			return false;
		end = at + len;
		stored += len;
	}
	end += take_number(f, 2);
	take_name(f, name);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)end);
	if (buf_addf(&map, "%s\n0\n", text) < 0)
		return false;
	if (buf_reserve(&map, PACK_BLOCK) < 0 || !add_record(f, "GNU.sparse.major", "1", 1) ||
		!add_record(f, "GNU.sparse.minor", "0", 1) ||
		!add_record(f, "GNU.sparse.name", name, strlen(name)) ||
		!add_record(f, "GNU.sparse.realsize", text, strlen(text)))
		return false;
	memset(map.data + map.len, 0, -map.len % PACK_BLOCK);
	map.len += -map.len % PACK_BLOCK;
	count_file(f, end);
	if (spans && !cut(f))
		return false;
	begin = f->plain.len;
	f->as = name;
	if (!add_header(f, '0', "GNUSparseFile.0/x", "", map.len + stored))
		return false;
	f->as = NULL;
	if (buf_add(&f->plain, map.data, map.len) < 0)
		return false;
	head = f->plain.len;
	return add_content(f, (size_t)stored, take(f)) &&
	       (!spans || cut_span(f, begin, head, blocks));
}

static bool take_record(struct forge *f, const char *prefix)
{
	char key[300], value[300], raw[32];
	unsigned n = take(f) % 32;
	size_t len;

	take_raw(f, n, raw);
	snprintf(key, sizeof(key), "%s%s", prefix, raw);
	len = take(f);
	take_raw(f, len, value);
	return add_record(f, key, value, len);
}

/* "-0.5" is half a second after 1970 to GNU tar and libarchive, so that second is left out. */
static void take_attributes(struct forge *f)
{
	f->mode = take_number(f, 2) & 07777;
	f->uid = take_number(f, take(f) & 4 ? 4 : 1);
	f->gid = take(f);
	f->mtime.tv_sec = (int32_t)take_number(f, 4);
	f->mtime.tv_nsec = (long)(take_number(f, 4) % 1000000000);
	if (f->mtime.tv_sec == -1)
		f->mtime.tv_nsec = 0;
}

/* A byte of the last header, its sum made right again. */
static void patch(struct forge *f)
{
	size_t at = f->header + take_number(f, 2) % PACK_BLOCK;
	char value = (char)take(f);
	unsigned sum = 0;
	char text[8];

	if (f->header + PACK_BLOCK > f->plain.len || f->header < f->cut)
		return;
	f->plain.data[at] = value;
	memset(f->plain.data + f->header + 148, ' ', 8);
	for (size_t i = f->header; i < f->header + PACK_BLOCK; i++)
		sum += (unsigned char)f->plain.data[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(f->plain.data + f->header + 148, text, 7);
}

static void poke(struct forge *f)
{
	size_t back = take_number(f, 2) + 1U;
	uint8_t by = take(f);

	if (back <= f->plain.len - f->cut)
		f->plain.data[f->plain.len - back] ^= (char)by;
}

static bool add_raw(struct forge *f)
{
	size_t len = take(f);
	char raw[256];

	take_raw(f, len, raw);
	return buf_add(&f->plain, raw, len) == 0;
}

static void take_lie(struct forge *f)
{
	struct forge_lie l = {.table = take(f), .row = take(f), .field = take(f)};

	l.by = l.field & 0x80 ? (int32_t)take_number(f, 4) : (int8_t)take(f);
	if (f->n_lies < FORGE_LIES)
		f->lie[f->n_lies++] = l;
}

static bool step(struct forge *f)
{
	static const char end[2 * PACK_BLOCK];

	switch (take(f) % 20) {
	case 0:
	case 1:
		return add_dir(f);
	case 2:
	case 3:
		return add_file(f, false);
	case 4:
		return add_file(f, true);
	case 5:
		return add_link(f, '2');
	case 6:
	case 7:
		return add_link(f, '1');
	case 8:
		return add_sparse(f, false);
	case 9:
		return add_sparse(f, true);
	case 10:
	case 11:
		return cut(f);
	case 12:
		return take_record(f, "SCHILY.xattr.user.");
	case 13:
		return take_record(f, "");
	case 14:
		take_attributes(f);
		return true;
	case 15:
		patch(f);
		return true;
	case 16:
		poke(f);
		return true;
	case 17:
		return add_raw(f);
	case 18:
		take_lie(f);
		return true;
	default:
		if (take(f) & 1)
			return buf_add(&f->plain, end, sizeof(end)) == 0;
		f->swap[0] = take(f) % FORGE_FRAMES;
		f->swap[1] = take(f) % FORGE_FRAMES;
		return true;
	}
}

bool forge_entries(struct forge *f)
{
	static const char end[2 * PACK_BLOCK];

	f->flags = take(f);
	f->mode = 0755;
	f->mtime.tv_sec = 1600000000;
	while (f->left > 0)
		if (!step(f))
			return false;
	if (!(f->flags & FORGE_NO_END) && buf_add(&f->plain, end, sizeof(end)) < 0)
		return false;
	return cut(f);
}
