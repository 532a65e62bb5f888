/* SPDX-License-Identifier: Apache-2.0 */
#include "common/progress.h"

#include "common/num.h"
#include "tests/unit/capture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* One update after this many seconds of work. */
struct work {
	uint64_t seconds, done, total;
	bool terminal, quiet;
};

static void draw(const struct work *w, char *out, size_t size)
{
	struct progress p;
	struct capture c;

	capture_start(&c, 2);
	progress_start(&p, "unpack 'x'", w->total, w->quiet);
	p.terminal = w->terminal;
	p.started -= w->seconds * NSEC_PER_SEC;
	p.drawn -= w->seconds * NSEC_PER_SEC;
	progress_update(&p, w->done);
	/* too early for another */
	progress_update(&p, w->done);
	progress_end(&p);
	capture_end(&c, out, size);
}

#define WIPE "\r\033[K"

static void test_lines(void **state)
{
	static const struct {
		struct work work;
		const char *want;
	} cases[] = {
		{{20000, 20000 * GIB, 40000 * GIB, false, false},
			"unpack 'x': 19.5 TiB of 39.1 TiB (50 %), 1.0 GiB/s, 5 h 33 min left\n"},
		{{20000, 20000 * GIB, 20020 * GIB, false, false},
			"unpack 'x': 19.5 TiB of 19.6 TiB (100 %), 1.0 GiB/s, 20 s left\n"},
		{{20000, 20000 * GIB, 20000 * GIB, true, false},
			WIPE "unpack 'x': 19.5 TiB of 19.5 TiB (100 %), 1.0 GiB/s, 0 s left" WIPE},
		{{20000, 20000 * MIB, 0, false, false}, "unpack 'x': 19.5 GiB, 1.0 MiB/s\n"},
		{{20000, 0, 10, false, false}, "unpack 'x': 0 B, 0 B/s\n"},
		{{20000, 205000, 0, true, false}, WIPE "unpack 'x': 200.2 KiB, 10 B/s" WIPE},
		{{20, 5, 10, false, true}, ""},
		{{20, 5, 10, true, true}, ""},
		{{5, 5, 10, false, false}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[1024];

		draw(&cases[i].work, out, sizeof(out));
		assert_string_equal(out, cases[i].want);
	}
}

/* A real terminal: found out by itself, and the line is no wider. */
static void test_terminal(void **state)
{
	const struct winsize narrow = {.ws_row = 24, .ws_col = 21};
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct progress p;
	struct capture c;
	char out[256];
	int slave;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &narrow), 0);
	capture_replace(&c, 2, slave);
	progress_start(&p, "unpack 'octave_c5.tar.zst'", 10, false);
	p.drawn -= NSEC_PER_SEC;
	progress_update(&p, 5);
	progress_end(&p);
	capture_restore(&c);
	close(slave);
	capture_read(master, out, sizeof(out));
	assert_true(p.terminal);
	assert_string_equal(out, WIPE "unpack 'octave_c5.ta" WIPE);
}

static void test_nothing_drawn(void **state)
{
	struct progress p;
	struct capture c;
	char out[64];
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	capture_start(&c, 2);
	progress_start(&p, "x", 0, false);
	assert_false(p.terminal);
	p.terminal = true;
	progress_end(&p);
	capture_end(&c, out, sizeof(out));
	assert_string_equal(out, "");
	/* what cannot be shown is no failure */
	capture_replace(&c, 2, fd);
	p.drawn -= NSEC_PER_SEC;
	progress_update(&p, 1);
	capture_restore(&c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_nothing_drawn),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
