/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the name service switch out of the static agent. glibc's own versions load
 * libnss_*.so at run time: those of another glibc, or none at all. Here an address is a numeric
 * one, a port is a number, and there are no users and groups but their numbers.
 *
 * Compiled into the agent before libc.a, so the linker never takes glibc's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct numeric_address {
	struct addrinfo info;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
};

static int port_parse(const char *service, in_port_t *ret_port)
{
	char *end;
	unsigned long n;

	if (!service) {
		*ret_port = 0;
		return 0;
	}
	if (*service < '0' || *service > '9')
		return -EINVAL;
	n = strtoul(service, &end, 10);
	if (*end || n > 65535)
		return -ERANGE;
	*ret_port = htons((in_port_t)n);
	return 0;
}

int getaddrinfo(const char *restrict node, const char *restrict service,
	const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
	int family = hints ? hints->ai_family : AF_UNSPEC;
	struct numeric_address *a;
	in_port_t port;

	if (!node)
		return EAI_NONAME;
	if (port_parse(service, &port) < 0)
		return EAI_SERVICE;
	a = calloc(1, sizeof(*a));
	if (!a)
		return EAI_MEMORY;

	a->info.ai_socktype = hints && hints->ai_socktype ? hints->ai_socktype : SOCK_STREAM;
	a->info.ai_protocol = hints ? hints->ai_protocol : 0;
	a->info.ai_addr = &a->addr.any;
	if (family != AF_INET6 && inet_pton(AF_INET, node, &a->addr.v4.sin_addr) == 1) {
		a->info.ai_family = AF_INET;
		a->info.ai_addrlen = sizeof(a->addr.v4);
		a->addr.v4.sin_port = port;
	} else if (family != AF_INET && inet_pton(AF_INET6, node, &a->addr.v6.sin6_addr) == 1) {
		a->info.ai_family = AF_INET6;
		a->info.ai_addrlen = sizeof(a->addr.v6);
		a->addr.v6.sin6_port = port;
	} else {
		free(a);
		return EAI_NONAME;
	}
	a->addr.any.sa_family = (sa_family_t)a->info.ai_family;
	*ret = &a->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	free(info);
}

const char *gai_strerror(int code)
{
	switch (code) {
	case EAI_MEMORY:
		return "out of memory";
	case EAI_SERVICE:
		return "not a port number";
	default:
		return "not a numeric address";
	}
}

int getnameinfo(const struct sockaddr *restrict sa, socklen_t len, char *restrict host,
	socklen_t hostlen, char *restrict serv, socklen_t servlen, int flags)
{
	(void)sa, (void)len, (void)host, (void)hostlen, (void)serv, (void)servlen, (void)flags;
	return EAI_NONAME;
}

/* "Not found" as POSIX has it: NULL with errno 0, or 0 with no result. */

struct passwd *getpwnam(const char *name)
{
	(void)name;
	errno = 0;
	return NULL;
}

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = 0;
	return NULL;
}

int getpwnam_r(const char *restrict name, struct passwd *restrict pw, char *restrict buf,
	size_t len, struct passwd **restrict ret)
{
	(void)name, (void)pw, (void)buf, (void)len;
	*ret = NULL;
	return 0;
}

int getpwuid_r(uid_t uid, struct passwd *restrict pw, char *restrict buf, size_t len,
	struct passwd **restrict ret)
{
	(void)uid, (void)pw, (void)buf, (void)len;
	*ret = NULL;
	return 0;
}

struct group *getgrnam(const char *name)
{
	(void)name;
	errno = 0;
	return NULL;
}

struct group *getgrgid(gid_t gid)
{
	(void)gid;
	errno = 0;
	return NULL;
}

int getgrnam_r(const char *restrict name, struct group *restrict gr, char *restrict buf, size_t len,
	struct group **restrict ret)
{
	(void)name, (void)gr, (void)buf, (void)len;
	*ret = NULL;
	return 0;
}

int getgrgid_r(gid_t gid, struct group *restrict gr, char *restrict buf, size_t len,
	struct group **restrict ret)
{
	(void)gid, (void)gr, (void)buf, (void)len;
	*ret = NULL;
	return 0;
}
