/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/qemu_talk.h"

#include "common/fs.h"
#include "controller/child.h"
#include "controller/machine/qemu_words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The descriptors of the process. */
enum { FD_FOLDER = 3 };

#define CHUNK 16384

static _Noreturn void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "guest: %s\n", what);
	_exit(MACHINE_BROKEN);
}

/* By way of the folder, as its path may be too long for a socket. */
static int connect_there(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/socket", FD_FOLDER);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		give_up("cannot be reached");
	return fd;
}

static void say(int fd, const struct buf *lines)
{
	if (fs_write_all(fd, buf_str(lines), lines->len) < 0)
		give_up("is gone");
}

static void say_data(int fd, const char *token, const char *verb, const void *data, size_t len)
{
	auto_buf struct buf lines = BUF_INIT(2 * QEMU_TALK_INPUT);

	if (qemu_words_add(&lines, token, verb, data, len) < 0)
		give_up("no memory for what it is to do");
	say(fd, &lines);
}

static void say_input(int fd, const char *token)
{
	char chunk[CHUNK];
	size_t all = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
		all += (size_t)n;
		if (all > QEMU_TALK_INPUT)
			give_up("more input than it takes");
		say_data(fd, token, "in", chunk, (size_t)n);
	}
	if (n < 0)
		give_up("cannot read its input");
}

/* Who reads them may have closed them: the command goes on, as it would there. */
static void pass_on(int fd, const struct buf *data)
{
	(void)!fs_write_all(fd, buf_str(data), data->len);
}

static _Noreturn void listen_to(int fd, const char *token)
{
	static struct qemu_reader r;
	struct buf data = BUF_INIT(QEMU_LINE_MAX);
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (size_t at = 0; at < (size_t)n;) {
			const char *line;
			size_t len;
			int code;

			at += qemu_reader_take(&r, chunk + at, (size_t)n - at, &line, &len);
			switch (line ? qemu_words_parse(line, len, token, &data, &code)
				     : QEMU_NOISE) {
			case QEMU_OUT:
				pass_on(STDOUT_FILENO, &data);
				break;
			case QEMU_ERR:
				pass_on(STDERR_FILENO, &data);
				break;
			case QEMU_END:
				_exit(code);
			case QEMU_NOISE:
				r.noise += line ? len : 0;
			}
			if (r.noise > QEMU_NOISE_MAX)
				give_up("talks nonsense");
		}
	}
	give_up("is gone");
}

static _Noreturn void talk(const char *shell)
{
	char token[QEMU_TOKEN];
	uint64_t number;
	int fd = connect_there();

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		give_up("no random numbers");
	snprintf(token, sizeof(token), "%016" PRIx64, number);
	/* Ends what another may have left there of a line. */
	if (fs_write_all(fd, "\n", 1) < 0)
		give_up("is gone");
	say_input(fd, token);
	say_data(fd, token, "sh", shell, strlen(shell));
	say_data(fd, token, "run", "", 0);
	listen_to(fd, token);
}

int qemu_talk(int folder, const struct machine_command *c, pid_t *ret, struct err *e)
{
	const struct child_files files = {
		.in = c->in, .out = c->out, .err = c->err, .keep = &folder, .n_keep = 1};
	pid_t pid;
	int rc = child_fork(&files, &pid, e);

	if (rc < 0)
		return rc;
	if (pid == 0)
		talk(c->shell);
	*ret = pid;
	return 0;
}
