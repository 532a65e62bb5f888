/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/qemu_console.h"

#include "common/auto.h"

#include <string.h>

/* Of Linux, of OVMF and of SeaBIOS. */
static const char *const signs[] = {
	"Kernel panic - not syncing",
	"No bootable option or device was found",
	"No bootable device",
};

void qemu_console_add(struct qemu_console *c, const char *data, size_t len)
{
	size_t drop = 0;

	if (len > sizeof(c->text)) {
		data += len - sizeof(c->text);
		len = sizeof(c->text);
	}
	if (c->len + len > sizeof(c->text))
		drop = c->len + len - sizeof(c->text);
	memmove(c->text, c->text + drop, c->len - drop);
	memcpy(c->text + c->len - drop, data, len);
	c->len += len - drop;
}

/* ESC [ … LETTER, and any other control. */
static size_t clean(const char *text, size_t len, char out[static QEMU_CONSOLE_LINE + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < QEMU_CONSOLE_LINE; i++) {
		if (text[i] == '\033' && i + 1 < len && text[i + 1] == '[') {
			for (i += 2; i < len && (text[i] < '@' || text[i] > '~'); i++)
				;
		} else if (text[i] >= ' ' && text[i] <= '~') {
			out[n++] = text[i];
		}
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return n;
}

const char *qemu_console_last(const struct qemu_console *c, char out[static QEMU_CONSOLE_LINE + 1])
{
	size_t end = c->len;

	*out = '\0';
	while (end > 0) {
		size_t start = end;

		while (start > 0 && c->text[start - 1] != '\n')
			start--;
		if (clean(c->text + start, end - start, out) > 0)
			break;
		end = start > 0 ? start - 1 : 0;
	}
	return out;
}

const char *qemu_console_failed(
	const struct qemu_console *c, char out[static QEMU_CONSOLE_LINE + 1])
{
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		const char *at = memmem(c->text, c->len, signs[i], strlen(signs[i]));
		const char *end;

		if (!at)
			continue;
		/* It may be about to say why. */
		end = memchr(at, '\n', (size_t)(c->text + c->len - at));
		if (!end)
			continue;
		clean(at, (size_t)(end - at), out);
		return out;
	}
	return NULL;
}
