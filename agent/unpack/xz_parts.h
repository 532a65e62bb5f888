/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks of an .xz file, as the indexes at the end of its streams tell (The .xz File Format
 * 1.2, 3 and 4): xz makes more than one when it works with threads or is given --block-size.
 */
#ifndef AGENT_UNPACK_XZ_PARTS_H
#define AGENT_UNPACK_XZ_PARTS_H

#include "agent/unpack/codec.h"

/* As split() of struct codec; a part's check is its lzma_check, its padding the bytes that
 * the size in the index leaves out. */
must_check int xz_parts_find(const struct codec_file *f, const struct codec_params *p,
	struct codec_parts *ret, struct err *e);

#endif
