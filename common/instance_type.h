/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How machines are called that archives are built for. Pure. EC2's instance types are FAMILY.SIZE,
 * FAMILY = series letters, generation, attribute letters ("c6gn", "m7i-flex", "u7in-24tb"; EC2 User
 * Guide, "Amazon EC2 instance types"); Azure's are Standard_NAME ("Standard_D8s_v5", family
 * "Dsv5"); Google's FAMILY-KIND-SIZE ("c3-highcpu-44").
 */
#ifndef COMMON_INSTANCE_TYPE_H
#define COMMON_INSTANCE_TYPE_H

#include <stdbool.h>

#define INSTANCE_FAMILY 64

/* Does this look like an instance type or an EC2 family of any machine? Mac instances run
 * no Linux and are none. */
bool instance_type_is_key(const char *key);

/* The family of an instance type, "" when it has none. */
void instance_type_family(const char *type, char out[static INSTANCE_FAMILY]);

/* The base family of a family: series and generation, "c5" of "c5n"; "" when it is one already. */
void instance_type_base_family(const char *family, char out[static INSTANCE_FAMILY]);

#endif
