/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what we read in files of profiles (tests/aws/profiles.py): for each argument pair CONFIG
 * CREDENTIALS a line of JSON, null where a file is wrong. */
#include "common/json.h"
#include "controller/aws/profile.h"

#include <string.h>

/* {section: {key: value or {key: value}}} */
static json_t *sections(const struct ini *ini)
{
	json_t *all = json_object();

	for (size_t s = 0; s < ini->n_sections; s++) {
		if (*ini->section[s])
			json_object_set_new(all, ini->section[s], json_object());
	}
	for (size_t n = 0; n < ini->n_entries; n++) {
		const struct ini_entry *x = &ini->entry[n];
		json_t *to = json_object_get(all, ini->section[x->section]);

		if (x->sub && !json_is_object(json_object_get(to, x->key)))
			json_object_set_new(to, x->key, json_object());
		if (x->sub)
			json_object_set_new(
				json_object_get(to, x->key), x->sub, json_string(x->value));
		else if (x->value)
			json_object_set_new(to, x->key, json_string(x->value));
	}
	return all;
}

static json_t *asked(const struct profiles *p)
{
	static const char *const names[] = {"default", "a", "b c", "d"};
	static const char *const keys[] = {"k1", "k2", "s3"};
	json_t *answers = json_object();

	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		json_t *one = json_object();

		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const char *value = profiles_get(p, names[n], keys[k]);

			if (value)
				json_object_set_new(one, keys[k], json_string(value));
		}
		if (profiles_have(p, names[n]))
			json_object_set(answers, names[n], one);
		json_decref(one);
	}
	return answers;
}

static json_t *read_pair(const char *config, const char *credentials)
{
	auto_free char *first = NULL, *second = NULL;
	auto_profiles struct profiles p = {0};
	struct err e = ERR_INIT;
	json_t *all;

	if (asprintf(&first, "AWS_CONFIG_FILE=%s", config) < 0 ||
		asprintf(&second, "AWS_SHARED_CREDENTIALS_FILE=%s", credentials) < 0)
		return NULL;
	if (profiles_load((const char *const[]){first, second, NULL}, NULL, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return json_null();
	}
	all = sections(&p.config.ini);
	return json_pack("{s:o, s:o}", "sections", all, "profiles", asked(&p));
}

int main(int argc, char **argv)
{
	auto_json json_t *out = json_array();
	struct err e = ERR_INIT;

	for (int i = 1; i + 1 < argc; i += 2)
		json_array_append_new(out, read_pair(argv[i], argv[i + 1]));
	return json_print(out, stdout, &e) < 0 ? 1 : 0;
}
