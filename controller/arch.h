/* SPDX-License-Identifier: Apache-2.0 */
/* The architectures that machines may have, by the names that Linux gives them. Pure, but for what
 * reads a file. */
#ifndef CONTROLLER_ARCH_H
#define CONTROLLER_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#define ARCHS 2

extern const char *const arch_names[ARCHS]; /* "x86_64", "aarch64" */

/* Its name of these, static; NULL: it is none. */
const char *arch_find(const char *name);

/* Where it is among these. */
size_t arch_index(const char *arch);

/* "aarch64"? */
bool arch_is_arm(const char *arch);

/* "aarch64" of EC2's "arm64", and the other way round; any other is called the same. */
const char *arch_of_ec2(const char *ec2);
const char *arch_in_ec2(const char *arch);

/* What a program is for, by its ELF header: a name of these, "" for any other; NULL: it is no
 * program of 64 bits. */
const char *arch_of_program(int fd);

#endif
