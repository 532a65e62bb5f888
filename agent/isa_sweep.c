/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isa.h"

static void merge(struct cpu_features *into, const struct cpu_features *from)
{
	for (size_t i = 0; i < CPU_FEATURE_WORDS; i++)
		into->word[i] |= from->word[i];
}

static void end_run(struct isa_sweep *s, bool keep)
{
	if (keep)
		merge(&s->found, &s->run);
	s->run = (struct cpu_features){0};
	s->length = 0;
}

/* What no program for Linux has but zeros and tables have: add to (%rax), I/O ports, interrupt
 * flags, far returns. */
static bool is_unlikely(const struct isa_insn *i, const uint8_t *code)
{
	if (i->encoding != ISA_LEGACY || i->map != 0)
		return false;
	switch (i->opcode) {
	case 0x00:
		return code[0] == 0 && code[1] == 0;
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f:
	case 0xca:
	case 0xcb:
	case 0xcf:
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
	case 0xfa:
	case 0xfb:
		return true;
	default:
		return false;
	}
}

static size_t step(struct isa_sweep *s, const uint8_t *code, size_t n)
{
	struct cpu_features needs = {0};
	struct isa_insn i;
	const bool is_code = isa_decode(code, n, &i) > 0 && isa_needs(&i, &needs);

	if (!is_code || is_unlikely(&i, code)) {
		end_run(s, s->length >= ISA_RUN);
		s->started = true;
		return is_code ? i.length : 1;
	}
	merge(&s->run, &needs);
	s->length++;
	return i.length;
}

size_t isa_sweep_add(struct isa_sweep *s, const uint8_t *code, size_t n, bool last)
{
	size_t at = 0;

	while (at < n && (last || n - at >= ISA_LENGTH_MAX))
		at += step(s, code + at, n - at);
	if (last) {
		end_run(s, !s->started || s->length >= ISA_RUN);
		s->started = false;
	}
	return at;
}
