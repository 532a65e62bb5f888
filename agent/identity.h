/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this machine is, from DMI, the cloud's metadata service and the configuration. Each fact
 * knows its source. Precedence: --instance-type > InstanceType= > metadata > DMI.
 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "agent/dmi.h"
#include "agent/settings.h"
#include "common/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The named states a metadata service can end in. */
enum metadata_state {
	METADATA_NONE,    /* not asked: no cloud, Provider=none, or Timeout=0 */
	METADATA_PENDING, /* being asked */
	METADATA_OK,
	METADATA_ABSENT,      /* answers 404 to the end of the propagation window */
	METADATA_DISABLED,    /* 403, or 401 with a new token */
	METADATA_UNREACHABLE, /* refused or no route until the deadline */
	METADATA_TIMEOUT,     /* connected, or might have, but no whole answer in time */
	METADATA_INVALID,     /* an answer that is none */
};

const char *metadata_state_name(enum metadata_state s);

#define IDENTITY_TEXT 128

struct fact {
	char value[IDENTITY_TEXT]; /* "" when unknown */
	const char *source;        /* "dmi", "metadata", "option", "config", NULL when unknown */
};

struct identity {
	enum cloud cloud;
	const char *cloud_source;
	struct fact instance_type;
	struct fact instance_id;
	struct fact region;
	struct fact zone;
	struct fact image_id;
	struct fact lifecycle; /* "on-demand", "spot", "scheduled", "capacity-block" */
	enum metadata_state metadata;
	char metadata_detail[256]; /* the last error, "" when all was answered */
};

/* What the metadata service of one cloud answers; "" for what it does not say. */
struct metadata {
	char instance_type[IDENTITY_TEXT];
	char instance_id[IDENTITY_TEXT];
	char region[IDENTITY_TEXT];
	char zone[IDENTITY_TEXT];
	char image_id[IDENTITY_TEXT];
	char lifecycle[IDENTITY_TEXT];
	char name[IDENTITY_TEXT]; /* of the virtual machine, on Azure */
};

/*
 * Where a metadata client sends its requests: NULL-terminated base URLs without a trailing slash,
 * tried in turn (IPv4 first, then IPv6) until one answers.
 */
struct metadata_endpoint {
	const char *const *base;
	uint64_t deadline;       /* clock.h: the one budget of all requests */
	const atomic_bool *stop; /* set: no further request is begun; may be NULL */
};

/*
 * A seam for tests: where this variable is set, its blank-separated base URLs
 * ("http://127.0.0.1:PORT") replace those of the cloud, and beneath a root directory other than "/"
 * the service is asked at all: a fixture is another machine, of which this one's service knows
 * nothing.
 */
#define IDENTITY_URL_VARIABLE "SHARED_PREP_METADATA_URL"

/* One client per cloud; each returns the state reached and fills *ret as far as it got, *e with the
 * last error: also with METADATA_OK, when something that may be missing was not answered. */
typedef enum metadata_state metadata_fetch_fn(
	const struct metadata_endpoint *at, struct metadata *ret, struct err *e);

metadata_fetch_fn imds_fetch;  /* imds.c: EC2 IMDSv2 */
metadata_fetch_fn azure_fetch; /* azure.c */
metadata_fetch_fn gcp_fetch;   /* gcp.c */

/*
 * Local facts only: DMI, configuration, option (NULL: none). metadata is PENDING where it should be
 * asked: where Provider= names a cloud or, with "auto", DMI or the hypervisor does. A machine
 * without DMI is therefore not asked and not held up unless its configuration says so.
 */
must_check int identity_local(int rootfd, const struct settings *s, const char *instance_type,
	struct identity *ret, struct err *e);

/* Pure: puts what the service answered into *id; other than METADATA_OK only its state and why. */
void identity_merge(struct identity *id, enum metadata_state state, const struct metadata *m,
	const struct err *why);

/* Asks the metadata service in a thread of its own, for Timeout= from now. Start it only when
 * metadata is PENDING. */
struct identity_query;
must_check int identity_query_start(const struct identity *id, const struct settings *s,
	struct identity_query **ret, struct err *e);

/* Waits until the answer is there or the clock.h deadline has passed; true when it is there. Then
 * identity_query_merge() may be called once. */
bool identity_query_wait(struct identity_query *q, uint64_t deadline);
void identity_query_merge(struct identity_query *q, struct identity *id);

/* Tells the thread to stop, waits for the end of its request in progress (at most 2 s, and never
 * beyond its own budget) and frees; NULL is fine. */
void identity_query_free(struct identity_query *q);

#endif
