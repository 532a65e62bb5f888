/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/show.h"

#include "common/clock.h"
#include "common/num.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL (200 * NSEC_PER_MSEC)

void show_start(struct show *s, bool quiet)
{
	*s = (struct show){.terminal = !quiet && isatty(STDERR_FILENO) == 1, .quiet = quiet};
}

static void wipe(struct show *s)
{
	if (s->drawn)
		fputs("\r\033[K", stderr);
	s->drawn = 0;
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NSEC_PER_SEC;
}

void show_end(struct show *s, bool failed)
{
	wipe(s);
	if (*s->part && !s->quiet)
		fprintf(stderr, "%-48s %s %.1f s\n", s->part, failed ? "failed after" : "",
			seconds(clock_now() - s->since));
	s->part[0] = '\0';
}

void show_part(struct show *s, const char *fmt, ...)
{
	va_list args;

	show_end(s, false);
	va_start(args, fmt);
	vsnprintf(s->part, sizeof(s->part), fmt, args);
	va_end(args);
	s->since = clock_now();
	show_draw(s, 0, 0);
}

void show_say(struct show *s, const char *fmt, ...)
{
	va_list args;

	if (s->quiet)
		return;
	wipe(s);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

const char *show_eta(uint64_t done, uint64_t all, uint64_t took, char ret[static SHOW_TEXT])
{
	uint64_t left;

	ret[0] = '\0';
	if (all == 0 || done > all)
		return ret;
	snprintf(ret, SHOW_TEXT, "%.0f %%", 100.0 * (double)done / (double)all);
	if (done == 0 || done == all)
		return ret;
	left = (uint64_t)(seconds(took) * (double)(all - done) / (double)done);
	if (left < 60)
		snprintf(ret, SHOW_TEXT, "%.0f %%, %" PRIu64 " s left",
			100.0 * (double)done / (double)all, left);
	else
		snprintf(ret, SHOW_TEXT, "%.0f %%, %" PRIu64 " min %" PRIu64 " s left",
			100.0 * (double)done / (double)all, left / 60, left % 60);
	return ret;
}

void show_draw(struct show *s, uint64_t done, uint64_t all)
{
	char eta[SHOW_TEXT];
	uint64_t now = clock_now();

	if (!s->terminal || (s->drawn && now - s->drawn < INTERVAL))
		return;
	fprintf(stderr, "\r%.60s  %.0f s  %s\033[K", s->part, seconds(now - s->since),
		show_eta(done, all, now - s->since, eta));
	fflush(stderr);
	s->drawn = now;
}
