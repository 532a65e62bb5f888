/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/recorder.h"

#include "agent/job.h"
#include "agent/publish.h"
#include "common/fs.h"

#include <errno.h>
#include <string.h>

#define FACTS_MAX  (256 * KIB)
#define FACTS_VARS 512
#define OWN_VARS   16
#define TEXT_MAX   (64 * KIB)
#define PREFIX     "SHARED_PREP_"

/* NAME="value" with \ before what a shell would take; in place. */
static void unquote(char *line)
{
	char *out = strchr(line, '=');
	const char *in;

	if (!out || *++out != '"')
		return;
	for (in = out + 1; *in && *in != '"'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*out = '\0';
}

int recorder_read_facts(int rootfd, char **ret_text, char ***ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(FACTS_MAX);
	auto_free char **var = calloc(FACTS_VARS + 1, sizeof(*var));
	char *rest = NULL;
	size_t n = 0;
	int rc = fs_read(rootfd, PUBLISH_RUN "/environment", &text, e);

	if (!var)
		return err_oom(e);
	/* A machine that was not prepared has none. */
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && text.data) {
		for (char *l = strtok_r(text.data, "\n", &rest); l && n < FACTS_VARS;
			l = strtok_r(NULL, "\n", &rest)) {
			if (strncmp(l, PREFIX, strlen(PREFIX)) != 0 || !strchr(l, '='))
				continue;
			unquote(l);
			var[n++] = l;
		}
	}
	*ret_text = text.data;
	text = (struct buf)BUF_INIT(0);
	*ret = take_ptr(var);
	return 0;
}

void recorder_env_free(struct recorder_env *v)
{
	free(v->var);
	buf_free(&v->text);
}

/* The text may move while it grows: what is added here is an offset until the end. */
static int add(struct buf *text, size_t offset[], size_t *n, const char *name, const char *value)
{
	offset[(*n)++] = text->len;
	/* With the NUL that buf_addf() leaves uncounted. */
	return buf_addf(text, "%s=%s", name, value) < 0 ? -ENOMEM : buf_add(text, "", 1);
}

static int add_own(struct buf *text, size_t offset[], size_t *n, const struct job *j,
	const char *id, const char *work, const struct executor_grant *g)
{
	char number[NUM_TEXT];
	int rc = add(text, offset, n, "PATH", RECORDER_PATH);

	if (rc == 0)
		rc = add(text, offset, n, "HOME", work);
	if (rc == 0)
		rc = add(text, offset, n, "TMPDIR", work);
	if (rc == 0)
		rc = add(text, offset, n, "JOB_ID", id);
	if (rc == 0 && j->options.name)
		rc = add(text, offset, n, PREFIX "JOB_NAME", j->options.name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)g->cpus);
	if (rc == 0)
		rc = add(text, offset, n, PREFIX "JOB_CPUS", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)g->mem);
	if (rc == 0)
		rc = add(text, offset, n, PREFIX "JOB_MEM_BYTES", number);
	return rc;
}

static bool is_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=") + 1;

	return strncmp(a, b, len) == 0;
}

/* A later one replaces an earlier one. */
static void set_var(char **var, size_t *n, char *text)
{
	for (size_t i = 0; i < *n; i++) {
		if (is_same_name(text, var[i])) {
			var[i] = text;
			return;
		}
	}
	var[(*n)++] = text;
}

int recorder_env_make(const struct recorder *r, const struct job *j, const char *id,
	const char *work, const struct executor_grant *grant, struct recorder_env *ret,
	struct err *e)
{
	const struct opt_strings *env = &j->options.env;
	size_t offset[OWN_VARS], n_own = 0, n = 0, n_facts = 0;

	*ret = (struct recorder_env){.text = BUF_INIT(TEXT_MAX), .path = ""};
	while (r->facts[n_facts])
		n_facts++;
	ret->var = calloc(OWN_VARS + n_facts + env->n + 1, sizeof(*ret->var));
	if (!ret->var || add_own(&ret->text, offset, &n_own, j, id, work, grant) < 0)
		return err_oom(e);
	for (size_t i = 0; i < n_own; i++)
		ret->var[n++] = ret->text.data + offset[i];
	for (size_t i = 0; i < n_facts; i++)
		ret->var[n++] = r->facts[i];
	for (size_t i = 0; i < env->n; i++)
		set_var(ret->var, &n, (char *)env->item[i]);
	for (size_t i = 0; i < n; i++)
		if (strncmp(ret->var[i], "PATH=", 5) == 0)
			ret->path = ret->var[i] + 5;
	return 0;
}
