/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which archive of each app fits this machine. Names are APP_KEY.tar.{zst,xz,gz,bz2,lz4}; KEY is
 * the longest "_" suffix that is a known key, else none. From most to least specific: instance
 * type, family, base family (only with a manifest that proves its features), compiler architecture
 * or level, machine architecture, none.
 */
#ifndef AGENT_MATCH_H
#define AGENT_MATCH_H

#include "agent/cpu.h"
#include "agent/manifest.h"
#include "agent/settings.h"

#include <stdbool.h>

enum key_kind {
	KEY_NONE,
	KEY_GENERIC,
	KEY_TARGET,
	KEY_BASE_FAMILY,
	KEY_FAMILY,
	KEY_TYPE,
	KEY_FOREIGN
};

const char *key_kind_name(enum key_kind k);

#define MATCH_NAME 256

struct candidate {
	char file[MATCH_NAME]; /* name in the data directory */
	char app[MANIFEST_NAME];
	char key[MANIFEST_NAME]; /* "" for none */
	enum key_kind kind;      /* FOREIGN: a known key of another machine */
	unsigned rank;           /* the more specific the higher; 0: refused */
	char why_not[256];       /* "" for the chosen one */
	bool chosen;
	struct manifest manifest;
};

struct match {
	struct candidate *candidate; /* sorted by app, then rank downwards, then name */
	size_t n;
};

/* The machine as matching sees it. */
struct match_machine {
	const char *instance_type; /* "" when unknown */
	const struct cpu *cpu;
};

/* Pure: splits "octave_c5.tar.zst" into app and key; false: not the name of an archive. */
bool match_split(const char *file, const struct match_machine *m, struct candidate *ret);

/* Pure: rank and why_not of one candidate with its manifest. */
void match_judge(const struct match_machine *m, struct candidate *c);

/*
 * Reads the data directory (absent: no candidates), leaves out what [Copy] names, judges, chooses
 * one of each app. Never fails for a bad archive: its why_not tells. An app named in Apps= with no
 * archive at all is kind config.
 */
must_check int match_scan(int rootfd, const struct settings *s, const struct match_machine *m,
	struct match *ret, struct err *e);

/* Kind no-fit, naming the app and its best candidate's why-not, when an app has archives and none
 * is chosen. */
must_check int match_check(const struct match *m, struct err *e);

void match_free(struct match *m);
#define auto_match __attribute__((cleanup(match_free)))

#endif
