/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the metadata clients of all clouds share: one request repeated until it is answered, decided
 * or out of time, by one table of statuses and errors. Nothing here knows a cloud.
 *
 *   answer                           what follows                                    state at the
 * end 200 and the body is right        done                                            ok 200 and
 * it is not, too long,     asked again METADATA_SUSPECTS times             invalid not HTTP 401 one
 * new token; a second in a row is final       disabled 403                              final
 * disabled 404                              asked again for METADATA_WINDOW after the       absent
 *                                    first (not yet propagated); final when optional
 *   408, 410, 425, 429, 5xx,         asked again until the deadline                  timeout
 *     cut short, too slow
 *   refused, no route                asked again until the deadline, by IPv4 and     unreachable
 *                                    IPv6 in turn
 *   any other status                 final                                           invalid
 *
 * At the deadline the state is that of the most telling answer: a status or a body says more than
 * silence, and silence more than a refused connection. The pauses between requests double from 100
 * ms to 2 s and are cut by full jitter, because all guests of a host boot together.
 * EC2 User Guide "Use IMDS"; Azure "Instance Metadata Service", errors and debugging (410: up to 70
 * s); Google Cloud "Query VM metadata".
 */
#ifndef AGENT_METADATA_H
#define AGENT_METADATA_H

#include "agent/identity.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/num.h"

#include <stdbool.h>
#include <stdint.h>

#define METADATA_CONNECT     (250 * NSEC_PER_MSEC) /* doubles with each timeout … */
#define METADATA_CONNECT_MAX NSEC_PER_SEC
#define METADATA_REQUEST     NSEC_PER_SEC
#define METADATA_PAUSE       (100 * NSEC_PER_MSEC) /* doubles … */
#define METADATA_PAUSE_MAX   (2 * NSEC_PER_SEC)
#define METADATA_WINDOW      (10 * NSEC_PER_SEC)
#define METADATA_OPTIONAL    (2 * NSEC_PER_SEC)
#define METADATA_SUSPECTS    4
#define METADATA_BODY        (64 * KIB)

/* One thing asked for. */
struct metadata_want {
	const char *method;
	const char *path;           /* follows the base URL; names the thing in messages */
	const char *const *headers; /* ends with NULL */
	uint64_t request_ns;        /* for one request */
	size_t max_body;
	bool optional; /* 404 is final, and no more than METADATA_OPTIONAL is spent on it */
	bool once;     /* one request, and one more with a new token: the caller repeats itself */
	/* Takes the body: 0, or -errno with *e when it is not what was asked for. */
	int (*take)(const struct buf *body, void *ctx, struct err *e);
	void *ctx;
};

/* Zeroes but for at, renew and ctx to begin with. */
struct metadata_client {
	const struct metadata_endpoint *at;
	unsigned base;       /* in at->base, the one to ask next */
	bool reached;        /* it answered once: no other is tried */
	uint64_t connect_ns; /* for the next connection */
	uint64_t deadline;   /* of the request in progress, 0 between requests */
	uint64_t window;     /* end of the propagation window, 0 before the first 404 */
	unsigned suspects;   /* bad answers so far */
	/* Gets a new token after 401; METADATA_OK: ask again. NULL: 401 is final. */
	enum metadata_state (*renew)(struct metadata_client *c, struct err *e);
	void *ctx; /* for renew */
};

/* METADATA_OK and want->take() has taken it, or the state of the table above and *e. */
enum metadata_state metadata_ask(
	struct metadata_client *c, const struct metadata_want *want, struct err *e);

/*
 * Pure: a value of an answer becomes text only when it has 1 to size-1 characters, all of letters,
 * digits and "._:/-". Else out is "" and false is returned.
 */
bool metadata_value(const char *value, char *out, size_t size);

/* Pure: the member of that name by the same rule, "" when it is absent or not fit. */
bool metadata_member(const json_t *obj, const char *key, char out[static IDENTITY_TEXT]);

#endif
