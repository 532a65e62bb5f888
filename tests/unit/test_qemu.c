/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/child.h"
#include "controller/machine/qemu_console.h"
#include "controller/machine/qemu_talk.h"
#include "controller/machine/qemu_words.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "0123456789abcdef"

static void parses_what_a_guest_says(void **state)
{
	static const struct {
		const char *line;
		enum qemu_word word;
		const char *data;
		int code;
	} cases[] = {
		{TOKEN " out aGVsbG8=", QEMU_OUT, "hello", 0},
		{TOKEN " err aGk=", QEMU_ERR, "hi", 0},
		{TOKEN " out YWJj", QEMU_OUT, "abc", 0},
		{TOKEN " out ", QEMU_OUT, "", 0},
		{TOKEN " end 0", QEMU_END, NULL, 0},
		{TOKEN " end 255", QEMU_END, NULL, 255},
		{TOKEN " end 256", QEMU_NOISE, NULL, 0},
		{TOKEN " end 1000", QEMU_NOISE, NULL, 0},
		{TOKEN " end -1", QEMU_NOISE, NULL, 0},
		{TOKEN " end ", QEMU_NOISE, NULL, 0},
		{TOKEN " end 0 ", QEMU_NOISE, NULL, 0},
		{TOKEN " out aGVsbG8", QEMU_NOISE, NULL, 0},
		{TOKEN " out aGV=bG8=", QEMU_NOISE, NULL, 0},
		{TOKEN " out ====", QEMU_NOISE, NULL, 0},
		{TOKEN " out aG\xff=", QEMU_NOISE, NULL, 0},
		{TOKEN " run x", QEMU_NOISE, NULL, 0},
		{TOKEN, QEMU_NOISE, NULL, 0},
		{"fedcba9876543210 end 0", QEMU_NOISE, NULL, 0},
		{"", QEMU_NOISE, NULL, 0},
		{"\033[0m[  OK  ] Reached target", QEMU_NOISE, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf data = BUF_INIT(QEMU_LINE_MAX);
		size_t len = strlen(cases[i].line);
		char *exact = malloc(len ? len : 1);
		int code = -1;

		memcpy(exact, cases[i].line, len);
		if (qemu_words_parse(exact, len, TOKEN, &data, &code) != cases[i].word)
			fail_msg("'%s'", cases[i].line);
		if (cases[i].data)
			assert_string_equal(buf_str(&data), cases[i].data);
		if (cases[i].word == QEMU_END)
			assert_int_equal(code, cases[i].code);
		free(exact);
	}
}

/* Each byte there and back, whatever the length. */
static void says_and_parses_the_same(void **state)
{
	unsigned char bytes[QEMU_DATA_MAX + 5];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= sizeof(bytes); len += len < 10 ? 1 : 331) {
		auto_buf struct buf lines = BUF_INIT(65536);
		auto_buf struct buf all = BUF_INIT(65536);
		struct qemu_reader *r = calloc(1, sizeof(*r));
		size_t at = 0;

		assert_int_equal(qemu_words_add(&lines, TOKEN, "out", bytes, len), 0);
		while (at < lines.len) {
			auto_buf struct buf data = BUF_INIT(QEMU_LINE_MAX);
			size_t piece = lines.len - at < 7 ? lines.len - at : 7;
			const char *line;
			int code;

			at += qemu_reader_take(r, lines.data + at, piece, &line, &piece);
			if (!line)
				continue;
			assert_int_equal(
				qemu_words_parse(line, piece, TOKEN, &data, &code), QEMU_OUT);
			assert_int_equal(buf_add(&all, buf_str(&data), data.len), 0);
		}
		assert_int_equal(all.len, len);
		assert_memory_equal(buf_str(&all), bytes, len);
		assert_int_equal(r->noise, 0);
		free(r);
	}
}

/* A line without end takes no memory, is counted, and does not hide the next. */
static void bears_endless_lines(void **state)
{
	static const char next[] = "\n" TOKEN " end 3\n";
	struct qemu_reader *r = calloc(1, sizeof(*r));
	auto_buf struct buf data = BUF_INIT(QEMU_LINE_MAX);
	char chunk[4096];
	const char *line;
	size_t len;
	int code;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (size_t n = 0; n <= QEMU_NOISE_MAX; n += sizeof(chunk)) {
		assert_int_equal(
			qemu_reader_take(r, chunk, sizeof(chunk), &line, &len), sizeof(chunk));
		assert_null(line);
	}
	assert_true(r->noise > QEMU_NOISE_MAX - QEMU_LINE_MAX);
	assert_int_equal(qemu_reader_take(r, next, strlen(next), &line, &len), 1);
	assert_non_null(line);
	assert_int_equal(qemu_words_parse(line, len, TOKEN, &data, &code), QEMU_NOISE);
	assert_int_equal(
		qemu_reader_take(r, next + 1, strlen(next) - 1, &line, &len), strlen(next) - 1);
	assert_int_equal(qemu_words_parse(line, len, TOKEN, &data, &code), QEMU_END);
	assert_int_equal(code, 3);
	free(r);
}

static void console_is(const char *text, const char *last, const char *failed)
{
	struct qemu_console *c = calloc(1, sizeof(*c));
	char line[QEMU_CONSOLE_LINE + 1];
	const char *found;

	for (size_t i = 0; i < strlen(text); i++)
		qemu_console_add(c, text + i, 1);
	assert_string_equal(qemu_console_last(c, line), last);
	found = qemu_console_failed(c, line);
	if (failed)
		assert_string_equal(found ? found : "", failed);
	else
		assert_null(found);
	free(c);
}

static void finds_the_words_of_a_console(void **state)
{
	(void)state;
	console_is("", "", NULL);
	console_is("\n\n", "", NULL);
	console_is("one\ntwo\r\n\r\n\033[0m\n", "two", NULL);
	console_is("\033[0;1;31m*\033[0m  A job\007 \xff\xfe", "*  A job", NULL);
	console_is("[ 1.2] Kernel panic - not syncing: No working init found.  Try passing\r\n"
		   "[ 1.3] CPU: 0\n",
		"[ 1.3] CPU: 0", "Kernel panic - not syncing: No working init found.  Try passing");
	/* It is still being printed. */
	console_is("[ 1.2] Kernel panic - not syncing: No wor",
		"[ 1.2] Kernel panic - not syncing: No wor", NULL);
	console_is("BdsDxe: No bootable option or device was found.\r\n",
		"BdsDxe: No bootable option or device was found.",
		"No bootable option or device was found.");
}

static void keeps_the_end_of_a_console(void **state)
{
	struct qemu_console *c = calloc(1, sizeof(*c));
	static char big[3 * QEMU_CONSOLE_KEPT];
	char line[QEMU_CONSOLE_LINE + 1];

	(void)state;
	memset(big, 'x', sizeof(big));
	qemu_console_add(c, big, 100);
	qemu_console_add(c, big, sizeof(big));
	assert_int_equal(c->len, QEMU_CONSOLE_KEPT);
	qemu_console_add(c, "\nend\n", 5);
	assert_int_equal(c->len, QEMU_CONSOLE_KEPT);
	assert_string_equal(qemu_console_last(c, line), "end");
	memset(big, '\n', sizeof(big));
	qemu_console_add(c, big, sizeof(big));
	assert_string_equal(qemu_console_last(c, line), "");
	free(c);
}

/* --- a guest that means no good: a process of ours at the socket */

static const struct guest {
	const char *what;
	const char *before, *after; /* what it says when the command has come; @: the token */
	unsigned times;             /* that `before` is said */
	int code;
	const char *output;
} guests[] = {
	{"ends at once", "", NULL, 0, MACHINE_BROKEN, ""},
	{"does as told", "", "@ out aGk=\n@ end 7\n", 0, 7, "hi"},
	{"talks beside", "\033[0mnoise\n\n \n", "@ out aGk=\n@ end 0\n", 1000, 0, "hi"},
	{"never ends a line", "0123456789abcdef", "\n@ end 0\n", 2000000, MACHINE_BROKEN, ""},
	{"never ends talking", "nonsense\n", "@ end 0\n", 4000000, MACHINE_BROKEN, ""},
	{"ends in mid-line", "", "@ end", 0, MACHINE_BROKEN, ""},
	{"tells an odd code", "", "@ end 0x0\n@ end 300\n@ end 4\n", 0, 4, ""},
};

static void say_text(int fd, const char *text, const char *token)
{
	for (; *text; text++) {
		ssize_t n = *text == '@' ? write(fd, token, QEMU_TOKEN - 1) : write(fd, text, 1);

		if (n <= 0)
			_exit(0);
	}
}

static void say_often(int fd, const char *text, unsigned times)
{
	char block[4096];
	size_t n = strlen(text), len = 0;

	while (n > 0 && len + n <= sizeof(block)) {
		memcpy(block + len, text, n);
		len += n;
	}
	for (size_t left = n * times; left > 0;) {
		size_t now = left < len ? left : len;

		if (write(fd, block, now) <= 0)
			_exit(0);
		left -= now;
	}
}

static void be_guest(int listener, const struct guest *g)
{
	char text[8192], token[QEMU_TOKEN] = "";
	int fd = accept(listener, NULL, NULL);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && len < sizeof(text) - 1 &&
		(n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, " run "))
			break;
	}
	snprintf(token, sizeof(token), "%.16s", text + 1);
	say_often(fd, g->before, g->times);
	if (g->after)
		say_text(fd, g->after, token);
	_exit(0);
}

static int listen_in(const char *folder)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.90s/socket", folder);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void talk_with(const struct guest *g, const char *folder)
{
	struct err e = ERR_INIT;
	int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int listener = listen_in(folder), ends[2], status;
	char output[64] = "";
	pid_t guest, pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	guest = fork();
	if (guest == 0)
		be_guest(listener, g);
	close(listener);
	assert_int_equal(qemu_talk(folder_fd,
				 &(struct machine_command){
					 .shell = "true", .in = -1, .out = ends[1], .err = -1},
				 &pid, &e),
		0);
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (child_code(status) != g->code)
		fail_msg("a guest that %s: %d", g->what, child_code(status));
	assert_true(read(ends[0], output, sizeof(output) - 1) >= 0);
	assert_string_equal(output, g->output);
	assert_int_equal(waitpid(guest, NULL, 0), guest);
	close(ends[0]);
	close(folder_fd);
}

static void bears_hostile_guests(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(guests); i++)
		talk_with(&guests[i], t->path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_a_guest_says),
		cmocka_unit_test(says_and_parses_the_same),
		cmocka_unit_test(bears_endless_lines),
		cmocka_unit_test(finds_the_words_of_a_console),
		cmocka_unit_test(keeps_the_end_of_a_console),
		cmocka_unit_test_setup_teardown(
			bears_hostile_guests, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
