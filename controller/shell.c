/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/shell.h"

#include <string.h>

int shell_quote(struct buf *out, const char *word)
{
	int rc = buf_adds(out, "'");

	for (const char *p = word; rc == 0 && *p;) {
		size_t n = strcspn(p, "'");

		rc = buf_add(out, p, n);
		p += n;
		if (rc == 0 && *p == '\'') {
			rc = buf_adds(out, "'\\''");
			p++;
		}
	}
	return rc < 0 ? rc : buf_adds(out, "'");
}

int shell_assign(struct buf *out, const char *name, const char *value)
{
	int rc = buf_addf(out, "%s=", name);

	if (rc == 0)
		rc = shell_quote(out, value);
	return rc < 0 ? rc : buf_adds(out, "\n");
}

int shell_add(struct buf *out, const struct config_words *w)
{
	int rc = 0;

	for (size_t i = 0; i < w->len && rc == 0; i++) {
		rc = buf_adds(out, " ");
		if (rc == 0)
			rc = shell_quote(out, w->word[i]);
	}
	return rc;
}

int shell_assign_list(struct buf *out, const char *name, const struct config_words *w)
{
	auto_buf struct buf text = BUF_INIT(out->max);
	int rc = 0;

	for (size_t i = 0; i < w->len && rc == 0; i++)
		rc = buf_addf(&text, "%s%s", i ? " " : "", w->word[i]);
	return rc < 0 ? rc : shell_assign(out, name, buf_str(&text));
}
