/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include "tests/unit/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

static int forget_environment(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	return 0;
}

static void set_stream(ino_t offset)
{
	char stream[64];
	struct stat st;

	if (fstat(2, &st) < 0)
		abort();
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)(st.st_ino + offset));
	setenv("JOURNAL_STREAM", stream, 1);
}

static void test_plain(void **state)
{
	struct capture c;
	char out[512];

	(void)state;
	capture_start(&c, 2);
	log_setup("prog", LOG_LEVEL_INFO);
	log_error("cannot %s", "do");
	log_warning("careful");
	log_info("did");
	log_debug("not shown");
	capture_end(&c, out, sizeof(out));
	assert_string_equal(out, "prog: cannot do\nprog: careful\nprog: did\n");
}

static void test_journal(void **state)
{
	struct capture c;
	char out[512];

	(void)state;
	capture_start(&c, 2);
	set_stream(0);
	log_setup("prog", LOG_LEVEL_DEBUG);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	/* inherited from a service, but standard error goes elsewhere */
	set_stream(1);
	log_setup("prog", LOG_LEVEL_ERR);
	log_error("e");
	log_warning("not shown");
	capture_end(&c, out, sizeof(out));
	assert_string_equal(out, "<3>a\n<4>b\n<6>c\n<7>d\nprog: e\n");
}

static void test_hostile_text(void **state)
{
	struct capture c;
	char out[4096], text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	capture_start(&c, 2);
	set_stream(0);
	log_setup("prog", LOG_LEVEL_INFO);
	errno = ENOENT;
	log_info("'%s'", "a\n<0>b\033[2J\177\xc2\x9b\xc3\xa9");
	assert_int_equal(errno, ENOENT);
	log_info("%s", text);
	capture_end(&c, out, sizeof(out));
	assert_memory_equal(out, "<6>'a?<0>b?[2J???\xc3\xa9'\n<6>xxx", 27);
	assert_in_range(strlen(out), 2000, 2100);
	assert_int_equal(out[strlen(out) - 1], '\n');
}

static void log_on_terminal(char *out, size_t size)
{
	struct capture c;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int slave;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		abort();
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	capture_replace(&c, 2, slave);
	log_setup("prog", LOG_LEVEL_INFO);
	log_error("bad");
	log_warning("hm");
	log_info("good");
	capture_restore(&c);
	close(slave);
	capture_read(master, out, size);
}

static void test_terminal(void **state)
{
	static const struct {
		const char *term, *no_color, *want;
	} cases[] = {
		{"xterm", NULL,
			"\033[31mprog: bad\033[0m\r\n\033[33mprog: hm\033[0m\r\nprog: good\r\n"},
		{"xterm", "1", "prog: bad\r\nprog: hm\r\nprog: good\r\n"},
		{"dumb", NULL, "prog: bad\r\nprog: hm\r\nprog: good\r\n"},
		{NULL, NULL, "prog: bad\r\nprog: hm\r\nprog: good\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[512];

		unsetenv("NO_COLOR");
		unsetenv("TERM");
		if (cases[i].no_color)
			setenv("NO_COLOR", cases[i].no_color, 1);
		if (cases[i].term)
			setenv("TERM", cases[i].term, 1);
		log_on_terminal(out, sizeof(out));
		assert_string_equal(out, cases[i].want);
	}
}

/* The kernel's log is not a test's to write: only that nothing comes to standard error any more. */
static void test_kmsg(void **state)
{
	struct capture c;
	char out[512];

	(void)state;
	capture_start(&c, 2);
	log_setup("prog", LOG_LEVEL_ERR);
	log_to_kmsg();
	log_to_kmsg();
	log_debug("not shown");
	log_setup("prog", LOG_LEVEL_ERR);
	log_error("here again");
	capture_end(&c, out, sizeof(out));
	assert_string_equal(out, "prog: here again\n");
}

static void test_closed(void **state)
{
	struct capture c;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	capture_replace(&c, 2, fd);
	log_setup("prog", LOG_LEVEL_ERR);
	errno = 0;
	log_error("lost");
	capture_restore(&c);
	assert_int_equal(errno, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plain, forget_environment),
		cmocka_unit_test_setup(test_journal, forget_environment),
		cmocka_unit_test_setup(test_hostile_text, forget_environment),
		cmocka_unit_test_setup(test_terminal, forget_environment),
		cmocka_unit_test_setup(test_kmsg, forget_environment),
		cmocka_unit_test_setup(test_closed, forget_environment),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
