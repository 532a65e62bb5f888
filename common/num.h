/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict numbers: "", "-1", "+1", " 1", "1x" and overflow are errors of kind usage that quote the
 * value; and numbers printed with their unit.
 */
#ifndef COMMON_NUM_H
#define COMMON_NUM_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define KIB (1024ULL)
#define MIB (1024ULL * KIB)
#define GIB (1024ULL * MIB)
#define TIB (1024ULL * GIB)

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

/* Decimal, min <= value <= max. */
must_check int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct err *e);

/* Bytes: a decimal with an optional fraction and an optional binary unit K M G T (also KiB, KB …).
 */
must_check int num_size(const char *s, uint64_t *ret_bytes, struct err *e);

/* Nanoseconds: "500ms", "60s", "2min", "2h", "1d", or a bare number of seconds. */
must_check int num_duration(const char *s, uint64_t *ret_ns, struct err *e);

/* yes/no, true/false, on/off, 1/0 as systemd takes them. */
must_check int num_bool(const char *s, bool *ret, struct err *e);

#define NUM_TEXT 32

/* "38.0 GiB", "512 B": at most NUM_TEXT bytes with the NUL, returns out. */
const char *num_size_text(uint64_t bytes, char out[static NUM_TEXT]);

/* "1.204 s", "35.1 ms". */
const char *num_duration_text(uint64_t ns, char out[static NUM_TEXT]);

#endif
