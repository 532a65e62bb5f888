/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Amazon ECS agent's configuration: a block between marker lines in /var/lib/ecs/ecs.config,
 * replaced at every boot, with reserved memory, spot draining and instance attributes. What else is
 * in the file stays byte for byte; /etc/ecs/ecs.config wins over it, and a key set there is
 * reported, not written.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
 */
#ifndef AGENT_ECS_H
#define AGENT_ECS_H

#include "agent/identity.h"
#include "agent/plan.h"
#include "agent/publish.h"
#include "common/buf.h"

#include <stdbool.h>

/* The ECS agent parses ECS_RESERVED_MEMORY as 16 bits and takes more for 0. */
#define ECS_RESERVED_MAX_MIB 65535

struct ecs_figures {
	uint64_t reserved_mib;   /* what ECS_RESERVED_MEMORY should be */
	bool writable;           /* it fits in 16 bits */
	uint64_t job_memory_mib; /* the largest memory a job definition may ask for */
};

/* Pure. held: bytes in /shared when ready. */
void ecs_figures(const struct tmpfs_plan *p, const struct settings *s, uint64_t held,
	struct ecs_figures *ret);

/* Pure: old text of the file → new text with our block replaced or appended; block "" removes it. A
 * damaged block (a begin without an end) is kind data. */
must_check int ecs_edit(const char *old, const char *block, struct buf *out, struct err *e);

/* Called with each thing worth a line in the log. */
typedef void ecs_say_fn(const char *message, void *ctx);

/* Writes the block when [ECS] Configure= asks for it. *ret_written: whether there is ECS here. */
must_check int ecs_configure(int rootfd, const struct settings *s, const struct facts *f,
	bool *ret_written, ecs_say_fn *say, void *ctx, struct err *e);

/* Takes the block out again; no file is success. */
must_check int ecs_release(int rootfd, struct err *e);

#endif
