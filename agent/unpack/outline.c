/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/outline.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_SLOTS 1024

enum what { NOTHING, DIRECTORY, FILE_, LINK, OTHER };

struct node {
	uint64_t low, high;
	enum what what;
	bool filled; /* a directory that holds something */
};

struct outline {
	struct node *slot; /* open addressing */
	size_t slots, used;
};

/* Where the name is, or where it belongs. */
static struct node *find(struct node *slot, size_t slots, uint64_t low, uint64_t high)
{
	size_t i = (size_t)low & (slots - 1);

	while (slot[i].what != NOTHING && (slot[i].low != low || slot[i].high != high))
		i = (i + 1) & (slots - 1);
	return &slot[i];
}

static struct node *look_up(const struct outline *o, const char *path, size_t len)
{
	XXH128_hash_t h = XXH3_128bits(path, len);
	struct node *n = find(o->slot, o->slots, h.low64, h.high64);

	if (n->what == NOTHING) {
		n->low = h.low64;
		n->high = h.high64;
	}
	return n;
}

static int grow(struct outline *o, struct err *e)
{
	size_t slots = o->slots ? 2 * o->slots : FIRST_SLOTS;
	struct node *slot;

	if (2 * o->used < o->slots)
		return 0;
	if (o->used >= OUTLINE_MAX)
		return err_set(e, ERR_DATA, E2BIG, "more than %u names", OUTLINE_MAX);
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return err_oom(e);
	for (size_t i = 0; i < o->slots; i++)
		if (o->slot[i].what != NOTHING)
			*find(slot, slots, o->slot[i].low, o->slot[i].high) = o->slot[i];
	free(o->slot);
	o->slot = slot;
	o->slots = slots;
	return 0;
}

static int put(struct outline *o, const char *path, size_t len, enum what what, struct err *e)
{
	struct node *n;

	if (grow(o, e) < 0)
		return -e->num;
	n = look_up(o, path, len);
	o->used += n->what == NOTHING;
	n->what = what;
	return 0;
}

int outline_open(struct outline **ret, struct err *e)
{
	struct outline *o = calloc(1, sizeof(*o));

	if (!o)
		return err_oom(e);
	if (put(o, "", 0, DIRECTORY, e) < 0) {
		outline_close(o);
		return -e->num;
	}
	*ret = o;
	return 0;
}

void outline_close(struct outline *o)
{
	if (o)
		free(o->slot);
	free(o);
}

/* The directories above the entry, made where the tar leaves them out. */
static int add_parents(struct outline *o, const char *path, struct err *e)
{
	look_up(o, "", 0)->filled |= *path != '\0';
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		size_t len = (size_t)(s - path);
		enum what what = look_up(o, path, len)->what;

		if (what != NOTHING && what != DIRECTORY)
			return entry_refuse_through(e, path, len, what == LINK);
		if (what == NOTHING && put(o, path, len, DIRECTORY, e) < 0)
			return -e->num;
		look_up(o, path, len)->filled = true;
	}
	return 0;
}

static enum what what_of(enum entry_kind k)
{
	switch (k) {
	case ENTRY_DIR:
		return DIRECTORY;
	case ENTRY_FILE:
	case ENTRY_HARDLINK:
		return FILE_;
	case ENTRY_SYMLINK:
		return LINK;
	default:
		return OTHER;
	}
}

int outline_add(struct outline *o, const struct entry *n, struct err *e)
{
	const struct node *there;
	enum what target;

	if (add_parents(o, n->path, e) < 0)
		return -e->num;
	if (n->kind == ENTRY_HARDLINK) {
		target = look_up(o, n->link, strlen(n->link))->what;
		if (target != FILE_)
			return entry_refuse_target(e, n, target != NOTHING);
	}
	there = look_up(o, n->path, strlen(n->path));
	if (n->kind != ENTRY_DIR && there->what == DIRECTORY && there->filled)
		return entry_refuse_replace(e, n->path);
	return put(o, n->path, strlen(n->path), what_of(n->kind), e);
}
