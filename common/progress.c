/* SPDX-License-Identifier: Apache-2.0 */
#include "common/progress.h"

#include "common/clock.h"
#include "common/num.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_INTERVAL (100 * NSEC_PER_MSEC)
#define PLAIN_INTERVAL    (10 * NSEC_PER_SEC)
#define WIPE              "\r\033[K"
#define LINE_BYTES        512

void progress_start(struct progress *p, const char *what, uint64_t total, bool quiet)
{
	uint64_t now = clock_now();

	*p = (struct progress){
		.what = what,
		.total = total,
		.started = now,
		.drawn = now,
		.terminal = isatty(STDERR_FILENO) == 1,
		.quiet = quiet,
	};
}

static size_t terminal_width(void)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return 79;
	return size.ws_col - 1U;
}

/* "WHAT: 12.0 GiB of 41.2 GiB (29 %), 1.2 GiB/s, 25.000 s left" */
static void compose(const struct progress *p, uint64_t done, uint64_t now, char *out, size_t size)
{
	char had[NUM_TEXT], want[NUM_TEXT], rate[NUM_TEXT], left[NUM_TEXT];
	double seconds = (double)(now - p->started) / (double)NSEC_PER_SEC;
	double speed = seconds > 0 ? (double)done / seconds : 0;
	double rest = p->total > done ? (double)(p->total - done) : 0;

	num_size_text(done, had);
	num_size_text((uint64_t)speed, rate);
	if (p->total == 0 || speed <= 0) {
		snprintf(out, size, "%.256s: %s, %s/s", p->what, had, rate);
		return;
	}
	snprintf(left, sizeof(left), "%.0f s", rest / speed);
	if (rest / speed >= 60)
		num_duration_text((uint64_t)(rest / speed) * NSEC_PER_SEC, left);
	snprintf(out, size, "%.256s: %s of %s (%.0f %%), %s/s, %s left", p->what, had,
		num_size_text(p->total, want), (double)done * 100 / (double)p->total, rate, left);
}

static void draw(const char *before, const char *text, size_t len, const char *after)
{
	char line[LINE_BYTES + 16];
	int n = snprintf(line, sizeof(line), "%s%.*s%s", before, (int)len, text, after);

	/* Progress that cannot be shown is no reason to stop. */
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void progress_update(struct progress *p, uint64_t done)
{
	uint64_t now;
	char text[LINE_BYTES];

	if (p->quiet)
		return;
	now = clock_now();
	if (now - p->drawn < (p->terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL))
		return;
	p->drawn = now;
	compose(p, done, now, text, sizeof(text));
	if (p->terminal)
		draw(WIPE, text, strnlen(text, terminal_width()), "");
	else
		draw("", text, strlen(text), "\n");
}

void progress_end(struct progress *p)
{
	if (p->terminal && !p->quiet && p->drawn != p->started)
		draw(WIPE, "", 0, "");
}
