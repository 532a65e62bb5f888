/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/board.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/money.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL (200 * NSEC_PER_MSEC)
#define LINE     512

void board_start(struct board *b, bool quiet)
{
	*b = (struct board){
		.terminal = !quiet && isatty(STDERR_FILENO) == 1,
		.quiet = quiet,
		.began = clock_now(),
	};
}

static struct winsize screen(void)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20 || size.ws_row < 4)
		return (struct winsize){.ws_col = 80, .ws_row = 24};
	return size;
}

/* Output that cannot be shown is no reason to stop. */
void board_end(struct board *b)
{
	if (b->drawn > 0)
		fprintf(stderr, "\r\033[%uA\033[J", b->drawn);
	b->drawn = 0;
}

void board_say(struct board *b, const char *fmt, ...)
{
	va_list args;

	if (b->quiet)
		return;
	board_end(b);
	b->when = 0;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

static void put(struct board *b, const char *line, unsigned width)
{
	fprintf(stderr, "%.*s\n", (int)width - 1, line);
	b->drawn++;
}

/* "12 s", "1:05:09" */
static const char *elapsed(uint64_t since, char *out, size_t size)
{
	uint64_t s = (clock_now() - since) / NSEC_PER_SEC;

	if (s < 60)
		snprintf(out, size, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(out, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(out, size, "%u:%02u:%02u", (unsigned)(s / 3600), (unsigned)(s / 60 % 60),
			(unsigned)(s % 60));
	return out;
}

static void put_worker(struct board *b, const struct worker *w, unsigned width)
{
	char line[LINE], time[NUM_TEXT], name[MATRIX_KEY + 80] = "";

	if (w->build)
		build_name(w->build, name, sizeof(name));
	snprintf(line, sizeof(line), "  %-9s %8s  %-32s %s", worker_doing(w),
		elapsed(w->since, time, sizeof(time)), name,
		*w->machine->place ? w->machine->place : w->machine->name);
	put(b, line, width);
}

static void put_summary(struct board *b, const struct board_view *v, unsigned width)
{
	char line[LINE], time[NUM_TEXT], money[MONEY_TEXT];

	snprintf(line, sizeof(line), "%zu of %zu built, %zu failed, %s%s%s",
		matrix_count(v->matrix, BUILD_DONE), v->matrix->n,
		matrix_count(v->matrix, BUILD_FAILED), elapsed(b->began, time, sizeof(time)),
		v->cost ? ", " : "", v->cost ? money_text(v->cost, money) : "");
	put(b, line, width);
}

void board_draw(struct board *b, const struct board_view *v)
{
	struct winsize size;
	unsigned room, shown = 0;

	if (!b->terminal || clock_now() - b->when < INTERVAL)
		return;
	b->when = clock_now();
	size = screen();
	room = size.ws_row - 3U;
	board_end(b);
	for (size_t i = 0; i < v->n; i++) {
		if (v->worker[i].machine && shown < room) {
			put_worker(b, &v->worker[i], size.ws_col);
			shown++;
		}
	}
	put_summary(b, v, size.ws_col);
}
