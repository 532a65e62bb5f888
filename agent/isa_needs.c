/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isa.h"
#include "agent/isa_table.h"

static unsigned reg_of(const struct isa_insn *i)
{
	return i->modrm >> 3 & 7;
}

static bool is_memory(const struct isa_insn *i)
{
	return i->modrm < 0xc0;
}

static unsigned place(unsigned encoding, unsigned map, unsigned opcode)
{
	return encoding << 16 | map << 8 | (opcode & 0xf0);
}

static unsigned row_place(size_t n)
{
	return place(isa_rows[n].encoding, isa_rows[n].map, isa_rows[n].first);
}

/* The first row that is not before the place. */
static size_t row_from(unsigned wanted)
{
	size_t low = 0, high = ARRAY_LEN(isa_rows);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (row_place(middle) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static char letter_of(const struct isa_insn *i)
{
	const unsigned wanted = place(i->encoding, i->map, i->opcode);

	for (size_t n = row_from(wanted); n < ARRAY_LEN(isa_rows) && row_place(n) == wanted; n++) {
		const char letter = isa_rows[n].letter[i->opcode & 0xf];

		if (isa_rows[n].prefixes >> i->prefix & 1 && letter != '.')
			return letter;
	}
	return 0;
}

static const struct isa_meaning *meaning_of(const struct isa_insn *i, char letter)
{
	for (size_t n = 0; n < ARRAY_LEN(isa_meanings); n++) {
		if (isa_meanings[n].encoding == i->encoding && isa_meanings[n].letter == letter)
			return &isa_meanings[n];
	}
	return NULL;
}

/* 0F C7; SDM vol. 2, table A-6. */
static unsigned group_9(const struct isa_insn *i)
{
	if (is_memory(i))
		return reg_of(i) == 1 && i->w ? X86_CX16 : NONE;
	if (i->prefix != ISA_NP && i->prefix != ISA_66)
		return NONE;
	return reg_of(i) == 6 ? X86_RDRND : reg_of(i) == 7 ? X86_RDSEED : NONE;
}

static unsigned feature_of(const struct isa_insn *i, const struct isa_meaning *m)
{
	switch ((enum isa_choice)m->choice) {
	case BY_NOTHING:
		break;
	case BY_W:
		return i->w ? m->second : m->first;
	case BY_LENGTH:
		return i->vector ? m->second : m->first;
	case BY_REGISTER:
		return is_memory(i) ? m->first : m->second;
	case BY_SHIFT:
		return (reg_of(i) & 3) == 3 ? m->second : m->first;
	case BY_FISTTP:
		return is_memory(i) && reg_of(i) == 1 ? m->first : m->second;
	case BY_GROUP_9:
		return group_9(i);
	}
	return m->first;
}

bool isa_needs(const struct isa_insn *i, struct cpu_features *set)
{
	const char letter = letter_of(i);
	const struct isa_meaning *m = letter ? meaning_of(i, letter) : NULL;
	unsigned feature;

	if (!m)
		return i->encoding == ISA_LEGACY && i->map <= 1;
	feature = feature_of(i, m);
	if (feature != NONE)
		cpu_feature_set(set, feature);
	if (m->also == ALSO_AVX)
		cpu_feature_set(set, X86_AVX);
	if (m->also == ALSO_AVX512F || m->also == ALSO_AVX512VL)
		cpu_feature_set(set, X86_AVX512F);
	if (m->also == ALSO_AVX512VL && i->vector < 2)
		cpu_feature_set(set, X86_AVX512VL);
	return true;
}
