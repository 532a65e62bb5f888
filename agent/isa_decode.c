/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isa.h"

/*
 * What follows an opcode, one letter each:
 *   .  nothing              m  ModRM                 x  no instruction in 64-bit mode
 *   b  imm8                 w  imm16                 z  imm16 or imm32 by operand size
 *   M  ModRM, imm8          Z  ModRM, immz           v  immz, or imm64 with REX.W
 *   j  rel32                e  imm16, imm8           o  an address of 8 bytes (4 with prefix 67)
 *   3  ModRM, imm8 if reg is 0 or 1 (test)           4  the same with immz
 *   8  ModRM, two imm8 with prefix 66 or F2 (extrq, insertq)
 */
/* clang-format off */
static const char one_byte[] =
	"mmmmbzxxmmmmbzxx" /* 00 */
	"mmmmbzxxmmmmbzxx"
	"mmmmbzxxmmmmbzxx" /* 20 */
	"mmmmbzxxmmmmbzxx"
	"xxxxxxxxxxxxxxxx" /* 40 */
	"................"
	"xxxmxxxxzZbM...." /* 60 */
	"bbbbbbbbbbbbbbbb"
	"MZxMmmmmmmmmmmmm" /* 80 */
	"..........x....."
	"oooo....bz......" /* A0 */
	"bbbbbbbbvvvvvvvv"
	"MMw.xxMZe.w..bx." /* C0 */
	"mmmmxxx.mmmmmmmm"
	"bbbbbbbbjjxb...." /* E0 */
	"x.xx..34......mm";

static const char two_byte[] =
	"mmmmx.....x.xm.M" /* 00 */
	"mmmmmmmmmmmmmmmm"
	"mmmmxxxxmmmmmmmm" /* 20 */
	"......x.xxxxxxxx"
	"mmmmmmmmmmmmmmmm" /* 40 */
	"mmmmmmmmmmmmmmmm"
	"mmmmmmmmmmmmmmmm" /* 60 */
	"MMMMmmm.8mxxmmmm"
	"jjjjjjjjjjjjjjjj" /* 80 */
	"mmmmmmmmmmmmmmmm"
	"...mMmxx...mMmmm" /* A0 */
	"mmmmmmmmmmMmmmmm"
	"mmMmMMMm........" /* C0 */
	"mmmmmmmmmmmmmmmm"
	"mmmmmmmmmmmmmmmm" /* E0 */
	"mmmmmmmmmmmmmmmm";
/* clang-format on */

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_byte) == 257, "a letter for each opcode");

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool operand16; /* prefix 66 */
	bool address32; /* prefix 67 */
	bool prefixed;  /* by one that VEX and its kin do not bear */
};

static bool next(struct cursor *c, uint8_t *ret)
{
	if (c->p == c->end)
		return false;
	*ret = *c->p++;
	return true;
}

static bool skip(struct cursor *c, size_t n)
{
	if (n > (size_t)(c->end - c->p))
		return false;
	c->p += n;
	return true;
}

/* F2 and F3 choose the instruction before 66 does, the last of them wins. */
static bool legacy_prefix(struct cursor *c, struct isa_insn *i, uint8_t byte)
{
	switch (byte) {
	case 0x66:
		c->operand16 = true;
		if (i->prefix == ISA_NP)
			i->prefix = ISA_66;
		c->prefixed = true;
		return true;
	case 0xf2:
	case 0xf3:
		i->prefix = byte == 0xf3 ? ISA_F3 : ISA_F2;
		c->prefixed = true;
		return true;
	case 0xf0:
		c->prefixed = true;
		return true;
	case 0x67:
		c->address32 = true;
		return true;
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
		return true;
	default:
		return false;
	}
}

static bool modrm(struct cursor *c, struct isa_insn *i)
{
	uint8_t sib = 0;
	unsigned mod, rm;

	if (!next(c, &i->modrm))
		return false;
	mod = i->modrm >> 6;
	rm = i->modrm & 7;
	if (mod == 3)
		return true;
	if (rm == 4 && !next(c, &sib))
		return false;
	if (mod == 0)
		return skip(c, rm == 5 || (rm == 4 && (sib & 7) == 5) ? 4 : 0);
	return skip(c, mod == 1 ? 1 : 4);
}

static size_t immediate(const struct cursor *c, const struct isa_insn *i, char form)
{
	const size_t z = c->operand16 && !i->w ? 2 : 4;
	const bool test = (i->modrm >> 3 & 7) <= 1;

	switch (form) {
	case 'b':
	case 'M':
		return 1;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'z':
	case 'Z':
		return z;
	case 'v':
		return i->w ? 8 : z;
	case 'j':
		return 4;
	case 'o':
		return c->address32 ? 4 : 8;
	case '3':
		return test ? 1 : 0;
	case '4':
		return test ? z : 0;
	case '8':
		return i->prefix == ISA_66 || i->prefix == ISA_F2 ? 2 : 0;
	default:
		return 0;
	}
}

static bool operands(struct cursor *c, struct isa_insn *i, char form)
{
	if (form == 'x')
		return false;
	if ((form == 'm' || form == 'M' || form == 'Z' || form == '3' || form == '4' ||
		    form == '8') &&
		!modrm(c, i))
		return false;
	return skip(c, immediate(c, i, form));
}

static bool legacy(struct cursor *c, struct isa_insn *i, uint8_t byte)
{
	if (byte != 0x0f) {
		i->opcode = byte;
		return operands(c, i, one_byte[byte]);
	}
	i->map = 1;
	if (!next(c, &i->opcode))
		return false;
	if (i->opcode != 0x38 && i->opcode != 0x3a)
		return operands(c, i, two_byte[i->opcode]);
	i->map = i->opcode == 0x38 ? 2 : 3;
	return next(c, &i->opcode) && operands(c, i, i->map == 2 ? 'm' : 'M');
}

/* Of the maps that VEX and EVEX share with the legacy ones. */
static bool vector_operands(struct cursor *c, struct isa_insn *i)
{
	if (!next(c, &i->opcode))
		return false;
	if (i->map == 1 && i->encoding == ISA_VEX && i->opcode == 0x77)
		return true;
	if (i->map == 1)
		return operands(c, i, two_byte[i->opcode] == 'M' ? 'M' : 'm');
	return operands(c, i, i->map == 3 ? 'M' : 'm');
}

static bool vex(struct cursor *c, struct isa_insn *i, uint8_t byte)
{
	uint8_t a, b;

	i->encoding = ISA_VEX;
	if (!next(c, &a))
		return false;
	b = a;
	i->map = 1;
	if (byte == 0xc4) {
		if (!next(c, &b))
			return false;
		i->map = a & 0x1f;
		i->w = b >> 7;
	}
	i->vector = b >> 2 & 1;
	i->prefix = b & 3;
	return i->map >= 1 && i->map <= 3 && vector_operands(c, i);
}

static bool evex(struct cursor *c, struct isa_insn *i)
{
	uint8_t a, b, d;

	i->encoding = ISA_EVEX;
	if (!next(c, &a) || !next(c, &b) || !next(c, &d) || a & 8 || !(b & 4))
		return false;
	i->map = a & 7;
	i->w = b >> 7;
	i->prefix = b & 3;
	i->vector = d >> 5 & 3;
	if (i->map == 0 || i->map == 4 || i->map == 7 || !vector_operands(c, i))
		return false;
	/* With registers only, the broadcast bit makes the length a rounding mode, for 512 bits. */
	if (d & 0x10 && i->modrm >= 0xc0)
		i->vector = 2;
	return i->vector <= 2;
}

static bool xop(struct cursor *c, struct isa_insn *i)
{
	uint8_t a, b;

	i->encoding = ISA_XOP;
	if (!next(c, &a) || !next(c, &b) || !next(c, &i->opcode))
		return false;
	i->map = a & 0x1f;
	i->w = b >> 7;
	i->vector = b >> 2 & 1;
	i->prefix = b & 3;
	if (i->map < 8 || i->map > 10 || !modrm(c, i))
		return false;
	return skip(c, i->map == 8 ? 1 : i->map == 9 ? 0 : 4);
}

static bool instruction(struct cursor *c, struct isa_insn *i)
{
	uint8_t byte;
	bool rex;

	do {
		if (!next(c, &byte))
			return false;
	} while (legacy_prefix(c, i, byte));
	rex = (byte & 0xf0) == 0x40;
	if (rex) {
		i->w = byte >> 3 & 1;
		if (!next(c, &byte))
			return false;
	}
	if (byte == 0xc4 || byte == 0xc5)
		return !rex && !c->prefixed && vex(c, i, byte);
	if (byte == 0x62)
		return !rex && !c->prefixed && evex(c, i);
	/* Below 8, what would be XOP's map is the ModRM of pop. */
	if (byte == 0x8f && c->p < c->end && (*c->p & 0x1f) >= 8)
		return !rex && !c->prefixed && xop(c, i);
	return legacy(c, i, byte);
}

unsigned isa_decode(const uint8_t *code, size_t n, struct isa_insn *ret)
{
	struct isa_insn i = {0};
	struct cursor c = {.p = code, .end = code + (n < ISA_LENGTH_MAX ? n : ISA_LENGTH_MAX)};

	if (!instruction(&c, &i))
		return 0;
	i.length = (uint8_t)(c.p - code);
	*ret = i;
	return i.length;
}
