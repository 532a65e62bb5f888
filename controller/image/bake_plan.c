/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_step.h"

#include "common/json.h"

#include <errno.h>
#include <string.h>

/* How the agent ends what it says of an archive for which this processor is not enough. */
#define CPU_LACKS "which this CPU lacks"

static const char *text_of(const json_t *candidate, const char *key)
{
	const char *text = json_string_value(json_object_get(candidate, key));

	return text ? text : "";
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

struct verdict {
	bool taken;      /* one is chosen */
	bool unseen;     /* one is kept from it by this processor alone */
	const char *why; /* what the agent said of the last that is not */
};

static void judge_archive(const json_t *list, const struct bake_archive *a, struct verdict *v)
{
	const json_t *c;
	size_t i;

	json_array_foreach(list, i, c)
	{
		if (strcmp(text_of(c, "file"), a->file.name) != 0)
			continue;
		v->taken |= json_is_true(json_object_get(c, "chosen"));
		v->why = text_of(c, "why_not");
		v->unseen |= ends_with(v->why, CPU_LACKS);
	}
}

static struct verdict judge_app(
	const struct bake *b, const struct project_app *app, const char *type, const json_t *list)
{
	struct verdict v = {.why = "the agent does not see it"};

	for (size_t i = 0; i < b->n_archives; i++) {
		if (b->archive[i].app == app && bake_suits(&b->archive[i], type))
			judge_archive(list, &b->archive[i], &v);
	}
	return v;
}

int bake_plan_check(const struct bake *b, const char *type, const struct buf *plan,
	size_t *ret_unseen, struct err *e)
{
	auto_json json_t *j = NULL;
	const json_t *list;
	size_t n = 0;
	int rc = json_parse(buf_str(plan), plan->len, "what shared-prep plan printed", &j, e);

	if (rc < 0)
		return rc;
	list = json_object_get(j, "candidates");
	for (size_t i = 0; i < b->n_archives; i++) {
		const struct project_app *app = b->archive[i].app;
		struct verdict v;

		/* Once for each app: they are in its order. */
		if (i > 0 && b->archive[i - 1].app == app)
			continue;
		v = judge_app(b, app, type, list);
		if (!v.taken && !v.unseen)
			return err_set(e, ERR_NO_FIT, ENOENT,
				"self-check: on %s no archive of app '%s' would be taken: %.200s",
				type, app->name, v.why);
		n += !v.taken;
	}
	*ret_unseen = n;
	return 0;
}
