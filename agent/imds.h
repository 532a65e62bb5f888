/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of EC2 metadata, version 2: a token that all requests share until it is old. Where
 * the token is refused nothing is asked without one. EC2 User Guide, "Use the Instance Metadata
 * Service".
 */
#ifndef AGENT_IMDS_H
#define AGENT_IMDS_H

#include "agent/metadata.h"

#define IMDS_TOKEN_MAX 512
#define IMDS_TOKEN_TTL 21600 /* seconds, the longest there is */

/* The token as the header that carries it; no message may hold it. */
struct imds_token {
	char header[sizeof("X-aws-ec2-metadata-token: ") + IMDS_TOKEN_MAX]; /* "" at first */
	uint64_t renew_at; /* clock.h: at 80 % of its life */
};

void imds_token_wipe(struct imds_token *t);

#define auto_imds_token __attribute__((cleanup(imds_token_wipe)))

/* A client whose requests bear the token; token->header goes into the headers of each. A 401 gets a
 * new token. */
void imds_client(
	struct metadata_client *ret, const struct metadata_endpoint *at, struct imds_token *token);

/* METADATA_OK where a token is there that is not too old, or one could be got; an old one that
 * still lives is kept where no other is given out. */
enum metadata_state imds_ready(struct metadata_client *c, struct err *e);

/* The purchasing option; METADATA_ABSENT where the service has none. */
enum metadata_state imds_lifecycle(
	struct metadata_client *c, char out[static IDENTITY_TEXT], struct err *e);

#endif
