/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive is built for: an instance type, a family, a compiler architecture or level, a
 * machine architecture. Pure. The processors of EC2's families: Amazon EC2 Instance Types Guide,
 * "Specifications"; their names: GCC manual, x86 and AArch64 options.
 */
#ifndef CONTROLLER_TARGET_H
#define CONTROLLER_TARGET_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define TARGET_NAME 64

struct target {
	char name[TARGET_NAME];  /* the key in the archive's name */
	char arch[16];           /* "x86_64", "aarch64" */
	char march[TARGET_NAME]; /* GCC's name; "" for a machine architecture alone */
};

/*
 * Of a name and, where the project says so, a march (else NULL or ""). A type or family whose
 * machines come with several processors gets what all of them have. Kind config: not known, with
 * the nearest name.
 */
must_check int target_find(const char *name, const char *march, struct target *ret, struct err *e);

/* "-march=znver4", "-mcpu=neoverse-v1", "-march=x86-64-v3"; "" where there is no march. */
void target_option(const struct target *t, char out[static TARGET_NAME + 8]);

/* Families whose every machine runs code for the target, NULL-terminated, static, those whose
 * processor is the target itself first. */
size_t target_families(const struct target *t, const char **ret, size_t max);

/* "c5" of "c5.18xlarge". */
void target_family(const char *type, char out[static TARGET_NAME]);

#endif
