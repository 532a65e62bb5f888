/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer that is no success means. Pure. Amazon EC2 API Reference, "Error codes"; IAM,
 * "Common errors"; AWS JSON 1.1 and REST-JSON protocols of Smithy, "Operation error serialization".
 */
#ifndef CONTROLLER_AWS_FAULT_H
#define CONTROLLER_AWS_FAULT_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define FAULT_CODE_MAX    128
#define FAULT_MESSAGE_MAX 256

enum fault_remedy {
	FAULT_FINAL,     /* asking again will not help */
	FAULT_RETRY,     /* the service has a bad moment */
	FAULT_THROTTLED, /* the same, because we ask too often */
	FAULT_CLOCK,     /* it may be our clock */
	FAULT_EXPIRED,   /* with new credentials */
};

struct fault {
	char code[FAULT_CODE_MAX];       /* "" where the answer has none */
	char message[FAULT_MESSAGE_MAX]; /* cut, one line; "" also where it may hold a token */
	enum fault_remedy remedy;
	enum err_kind kind;
};

/* error_type is the header x-amzn-ErrorType, or "". Any body will do: XML of either form, JSON, a
 * page, nothing. */
void fault_read(
	unsigned status, const char *error_type, const char *body, size_t len, struct fault *ret);

#endif
