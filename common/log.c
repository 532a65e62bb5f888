/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define KMSG_MAX       900      /* the kernel refuses records over about 1,000 bytes */
#define KMSG_FACILITY  (3 << 3) /* daemon */

enum style { STYLE_PLAIN, STYLE_JOURNAL, STYLE_TERMINAL, STYLE_KMSG };

static struct {
	const char *prefix;
	enum log_level max;
	enum style style;
	int fd;
} config = {.prefix = "", .max = LOG_LEVEL_INFO, .style = STYLE_PLAIN, .fd = STDERR_FILENO};

/* systemd.exec(5): JOURNAL_STREAM is the device and inode of the journal's socket. A child may
 * have inherited the variable with another standard error. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM");
	const char *no = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && (!no || !*no);
}

void log_setup(const char *prefix, enum log_level max)
{
	if (config.fd != STDERR_FILENO)
		close(config.fd);
	config.fd = STDERR_FILENO;
	config.prefix = prefix;
	config.max = max;
	config.style = is_journal() ? STYLE_JOURNAL : wants_colour() ? STYLE_TERMINAL : STYLE_PLAIN;
}

void log_to_kmsg(void)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return;
	if (config.fd != STDERR_FILENO)
		close(config.fd);
	config.fd = fd;
	config.style = STYLE_KMSG;
}

/* Names in messages may come from an archive: no escape sequence and no forged line gets through.
 */
static void defuse(char *s)
{
	for (; *s; s++) {
		const unsigned char *p = (unsigned char *)s;

		if (p[0] < ' ' || p[0] == 127)
			*s = '?';
		/* U+0080 to U+009F are control characters too. */
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			s[0] = s[1] = '?';
	}
}

static const char *colour(enum log_level level)
{
	if (level <= LOG_LEVEL_ERR)
		return "\033[31m";
	return level == LOG_LEVEL_WARNING ? "\033[33m" : "";
}

static int compose(enum log_level level, const char *text, char *out, size_t size)
{
	const char *on = colour(level);

	switch (config.style) {
	case STYLE_JOURNAL:
		return snprintf(out, size, "<%d>%s\n", (int)level, text);
	case STYLE_KMSG:
		return snprintf(out, size, "<%d>%s[%d]: %.*s\n", KMSG_FACILITY | (int)level,
			config.prefix, (int)getpid(), KMSG_MAX, text);
	case STYLE_TERMINAL:
		return snprintf(
			out, size, "%s%s: %s%s\n", on, config.prefix, text, *on ? "\033[0m" : "");
	case STYLE_PLAIN:
	default:
		return snprintf(out, size, "%s: %s\n", config.prefix, text);
	}
}

/* One write: lines of several processes do not mix. There is nobody to tell of a failure. */
static void write_line(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 128];
	int len = compose(level, text, line, sizeof(line));

	if ((size_t)len >= sizeof(line))
		len = (int)sizeof(line) - 1;
	if (write(config.fd, line, (size_t)len) < 0)
		len = 0;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int num = errno;
	va_list ap;
	int len;

	if (level > config.max)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	defuse(text);
	write_line(level, text);
	errno = num;
}

/* The journal's native protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL): a datagram of lines. */
static bool send_to_journal(
	enum log_level level, const char *field, const char *value, const char *text)
{
	const struct sockaddr_un journal = {
		.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
	char datagram[LINE_MAX_BYTES + 512];
	int len = snprintf(datagram, sizeof(datagram),
		"MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n%s=%s\n", text, (int)level,
		config.prefix, field, value);
	int fd = len < 0 || (size_t)len >= sizeof(datagram)
			 ? -1
			 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool sent = fd >= 0 && sendto(fd, datagram, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT,
				       (const struct sockaddr *)&journal, sizeof(journal)) == len;

	if (fd >= 0)
		close(fd);
	return sent;
}

void log_field(enum log_level level, const char *field, const char *value, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES], safe[256];
	int num = errno;
	va_list ap;
	int len;

	if (level > config.max)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	defuse(text);
	snprintf(safe, sizeof(safe), "%s", value);
	defuse(safe);
	if (config.style != STYLE_JOURNAL || !send_to_journal(level, field, safe, text))
		write_line(level, text);
	errno = num;
}
