/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/server.h"

#include "common/auto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* The headers and the body that they announce. */
static int is_whole(const char *text, size_t len)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, name);

	if (!end)
		return 0;
	return !length || length > end ||
	       len >= (size_t)(end + 4 - text) + strtoul(length + strlen(name), NULL, 10);
}

static void read_request(struct server *s, int fd)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(s->last) - 1) {
		s->last[len] = '\0';
		if (is_whole(s->last, len))
			break;
		n = recv(fd, s->last + len, sizeof(s->last) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	s->last[len] = '\0';
}

static void drip(int fd, const char *text)
{
	struct pollfd gone = {.fd = fd, .events = POLLIN};

	while (*text && send(fd, text++, 1, MSG_NOSIGNAL) == 1 && poll(&gone, 1, 50) == 0)
		;
}

static void answer(int fd, const char *text)
{
	char rest[256];
	size_t len = strlen(text);

	if (strcmp(text, SERVER_CLOSE) == 0)
		return;
	if (strncmp(text, SERVER_DRIP, strlen(SERVER_DRIP)) == 0) {
		drip(fd, text + strlen(SERVER_DRIP));
		return;
	}
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

static const char *next_answer(struct server *s)
{
	size_t line = strcspn(s->last, "\r");
	struct server_route *r = s->route;
	const char *text;

	if (!r) {
		text = *s->answer;
		if (s->answer[1])
			s->answer++;
		return text;
	}
	while (r->path && !memmem(s->last, line, r->path, strlen(r->path)))
		r++;
	if (!r->path)
		return "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n";
	pthread_mutex_lock(&s->lock);
	r->requests++;
	pthread_mutex_unlock(&s->lock);
	text = *r->answer;
	if (r->answer[1])
		r->answer++;
	return text;
}

static void count(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->requests++;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	for (;;) {
		auto_close int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		read_request(s, fd);
		count(s);
		answer(fd, next_answer(s));
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

static void start(struct server *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	assert_int_equal(listen(s->fd, 16), 0);
	s->answers = true;
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void server_start(struct server *s, const char *const *answers)
{
	bind_any_port(s);
	s->answer = answers;
	start(s);
}

void server_start_routes(struct server *s, struct server_route *routes)
{
	bind_any_port(s);
	s->route = routes;
	start(s);
}

unsigned server_requests(struct server *s, const char *path)
{
	const struct server_route *r = s->route;
	unsigned n;

	while (strcmp(r->path, path) != 0)
		r++;
	pthread_mutex_lock(&s->lock);
	n = r->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void server_wait(struct server *s, unsigned requests)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&s->lock);
	while (s->requests < requests && rc == 0)
		rc = pthread_cond_timedwait(&s->more, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	assert_int_equal(rc, 0);
}

void server_stop(struct server *s)
{
	if (s->answers) {
		shutdown(s->fd, SHUT_RDWR);
		pthread_join(s->thread, NULL);
	}
	close(s->fd);
}

void server_refuse(struct server *s)
{
	bind_any_port(s);
}
