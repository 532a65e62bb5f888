/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/server.h"

#include "common/auto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void read_request(struct server *s, int fd)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(s->last) - 1) {
		s->last[len] = '\0';
		if (strstr(s->last, "\r\n\r\n"))
			break;
		n = recv(fd, s->last + len, sizeof(s->last) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	s->last[len] = '\0';
}

static void answer(int fd, const char *text)
{
	char rest[256];
	size_t len = strlen(text);

	if (strcmp(text, SERVER_CLOSE) == 0)
		return;
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
		if (len == 0)
			shutdown(fd, SHUT_WR);
	}
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	for (;;) {
		auto_close int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		s->requests++;
		read_request(s, fd);
		answer(fd, *s->answer);
		if (s->answer[1])
			s->answer++;
	}
}

static void bind_any_port(struct server *s)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);

	*s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", ntohs(a.sin_port));
}

void server_start(struct server *s, const char *const *answers)
{
	bind_any_port(s);
	s->answer = answers;
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void server_stop(struct server *s)
{
	if (s->answer) {
		shutdown(s->fd, SHUT_RDWR);
		pthread_join(s->thread, NULL);
	}
	close(s->fd);
}

void server_refuse(struct server *s)
{
	bind_any_port(s);
}
