/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_name.h"

#include "common/date.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define OF_A_DAY 1000

void image_name_stem(const char *name, const char *arch, int64_t when, char ret[static IMAGE_NAME])
{
	char date[DATE_TEXT];

	snprintf(ret, IMAGE_NAME, "%.63s%s%s-%.10s", name, arch ? "-" : "", arch ? arch : "",
		date_text(when, date));
}

static bool is_taken(const char *name, const char *const *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(taken[i], name) == 0)
			return true;
	}
	return false;
}

int image_name_choose(const char *stem, const char *const *taken, size_t n,
	char ret[static IMAGE_NAME], struct err *e)
{
	char name[IMAGE_NAME + 16];
	size_t len;

	snprintf(name, sizeof(name), "%.*s", IMAGE_NAME, stem);
	for (unsigned i = 2; is_taken(name, taken, n) && i < OF_A_DAY; i++)
		snprintf(name, sizeof(name), "%.*s-%u", IMAGE_NAME, stem, i);
	len = strlen(name);
	if (is_taken(name, taken, n) || len >= IMAGE_NAME)
		return err_set(
			e, ERR_CONFIG, EEXIST, "no name like '%.64s' is free for an image", stem);
	memcpy(ret, name, len + 1);
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), k = strlen(end);

	return n > k && strcmp(text + n - k, end) == 0;
}

size_t image_name_of_file(const char *file, const char *stem)
{
	if (!stem)
		return ends_with(file, ".json") && !ends_with(file, ".cdx.json")
			       ? strlen(file) - strlen(".json")
			       : 0;
	if (strncmp(file, stem, strlen(stem)) != 0)
		return 0;
	return strlen(stem) + strcspn(file + strlen(stem), ".");
}

static bool all_digits(const char *text, size_t n)
{
	return strspn(text, "0123456789") >= n;
}

static bool is_date(const char *text)
{
	return all_digits(text, 8) ||
	       (all_digits(text, 4) && text[4] == '-' && all_digits(text + 5, 2) &&
		       text[7] == '-' && all_digits(text + 8, 2));
}

size_t image_name_undated(const char *file)
{
	const char *dot = strrchr(file, '.');
	const size_t len = dot && dot > file ? (size_t)(dot - file) : strlen(file);

	for (size_t i = 1; i < len; i++) {
		if (file[i] == '-' && is_date(file + i + 1))
			return i;
	}
	return len;
}
