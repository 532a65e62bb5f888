/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For match*.c only: which words are keys of some machine. EC2's instance types are FAMILY.SIZE,
 * FAMILY = series letters, generation, attribute letters ("c6gn", "m7i-flex", "u7in-24tb"; EC2 User
 * Guide, "Amazon EC2 instance types"); Azure's are Standard_NAME ("Standard_D8s_v5", family
 * "Dsv5"); Google's FAMILY-KIND-SIZE ("c3-highcpu-44").
 */
#ifndef AGENT_MATCH_KEY_H
#define AGENT_MATCH_KEY_H

#include <stdbool.h>

#define MATCH_FAMILY 64

/* Pure: does this look like an instance type or an EC2 family of any machine? Mac instances run
 * no Linux and are none. */
bool match_is_machine_key(const char *key);

/* The family of an instance type, "" when it has none. */
void match_family(const char *type, char out[static MATCH_FAMILY]);

/* The base family of a family: series and generation, "c5" of "c5n"; "" when it is one already. */
void match_base_family(const char *family, char out[static MATCH_FAMILY]);

#endif
