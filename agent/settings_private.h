/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of settings: each has a table of keys of its own. */
#ifndef AGENT_SETTINGS_PRIVATE_H
#define AGENT_SETTINGS_PRIVATE_H

#include "agent/settings.h"

/* The words of an enum in the order of its values. */
struct settings_words {
	const char *const *word;
	size_t len;
};

must_check int settings_word(
	const char *value, struct settings_words w, unsigned *ret, struct err *e);

/* clang-format off */
/* parse_TYPE() of an enum TYPE by the words of its values. */
#define SETTINGS_ENUM(type, ...)                                                                   \
	static int parse_##type(const char *value, void *field, struct err *e)                     \
	{                                                                                          \
		static const char *const word[] = {__VA_ARGS__};                                   \
		const struct settings_words w = {word, ARRAY_LEN(word)};                           \
		unsigned found;                                                                    \
		int rc = settings_word(value, w, &found, e);                                       \
                                                                                                   \
		if (rc == 0)                                                                       \
			*(enum type *)field = (enum type)found;                                    \
		return rc;                                                                         \
	}
/* clang-format on */

#define SETTINGS_AT(field) offsetof(struct settings, field)

/* settings_interrupt.c: [Interrupt] and [Persist] */
extern const struct config_key settings_interrupt_keys[];
void settings_interrupt_default(struct settings *s);

#endif
