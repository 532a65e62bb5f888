/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpu.h"
#include "agent/cpu_arm.h"
#include "agent/cpu_x86.h"
#include "common/cpu_table.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* The first processor's lines are within this; a machine with 896 of them has megabytes. */
#define CPUINFO_HEAD (64 * KIB)

struct feature_name {
	const char *name;
	const char *flag; /* Linux's name, NULL when there is none of its own */
};

#define X86_NAME(id, gcc, flag, ...) {gcc, flag},
#define ARM_NAME(id, gcc, ...)       {gcc, NULL},
static const struct feature_name x86_names[] = {CPU_X86_FEATURES(X86_NAME)};
static const struct feature_name arm_names[] = {CPU_ARM_FEATURES(ARM_NAME)};

/* GCC options that say the same as, or are part of, a feature of the table; and Linux's names on
 * aarch64 where one of them is the whole feature. */
static const struct {
	enum cpu_arch arch;
	const char *name;
	const char *is;
} synonyms[] = {
	{CPU_X86_64, "sse4", "sse4.2"},
	{CPU_X86_64, "crc32", "sse4.2"},
	{CPU_AARCH64, "asimd", "simd"},
	{CPU_AARCH64, "crc32", "crc"},
	{CPU_AARCH64, "atomics", "lse"},
	{CPU_AARCH64, "asimdhp", "fp16"},
	{CPU_AARCH64, "asimdrdm", "rdma"},
	{CPU_AARCH64, "rdm", "rdma"},
	{CPU_AARCH64, "lrcpc", "rcpc"},
	{CPU_AARCH64, "ilrcpc", "rcpc2"},
	{CPU_AARCH64, "asimddp", "dotprod"},
	{CPU_AARCH64, "asimdfhm", "fp16fml"},
	{CPU_AARCH64, "frint", "frintts"},
	{CPU_AARCH64, "paca", "pauth"},
	{CPU_AARCH64, "mte", "memtag"},
};

static const struct feature_name *names_of(enum cpu_arch arch, unsigned *ret_n)
{
	*ret_n = 0;
	if (arch == CPU_X86_64) {
		*ret_n = ARRAY_LEN(x86_names);
		return x86_names;
	}
	if (arch == CPU_AARCH64) {
		*ret_n = ARRAY_LEN(arm_names);
		return arm_names;
	}
	return NULL;
}

bool cpu_feature_add(enum cpu_arch arch, const char *name, struct cpu_features *set)
{
	unsigned n;
	const struct feature_name *names = names_of(arch, &n);

	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
		if (synonyms[i].arch == arch && strcmp(synonyms[i].name, name) == 0) {
			name = synonyms[i].is;
			break;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i].name, name) == 0 ||
			(names[i].flag && strcmp(names[i].flag, name) == 0)) {
			cpu_feature_set(set, i);
			return true;
		}
	}
	return false;
}

void cpu_each_feature(enum cpu_arch arch, const struct cpu_features *set,
	void (*fn)(const char *name, void *ctx), void *ctx)
{
	unsigned n;
	const struct feature_name *names = names_of(arch, &n);

	for (unsigned i = 0; i < n; i++) {
		if (set->word[i / 64] >> (i % 64) & 1)
			fn(names[i].name, ctx);
	}
}

const char *cpu_first_missing(
	enum cpu_arch arch, const struct cpu_features *have, const struct cpu_features *need)
{
	unsigned n;
	const struct feature_name *names = names_of(arch, &n);

	for (unsigned i = 0; i < n; i++) {
		if ((need->word[i / 64] & ~have->word[i / 64]) >> (i % 64) & 1)
			return names[i].name;
	}
	return NULL;
}

/* The value of "key : value" among the lines of the first processor that has the key, cut to size;
 * "" and false when there is none. Control characters become blanks. */
static bool info_get(const char *text, const char *key, char *out, size_t size)
{
	size_t key_len = strlen(key), n;

	out[0] = '\0';
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *colon = memchr(line, ':', len);

		if (colon && strncmp(line, key, key_len) == 0 &&
			line + key_len + strspn(line + key_len, " \t") == colon) {
			colon++;
			colon += strspn(colon, " \t");
			n = colon < line + len ? (size_t)(line + len - colon) : 0;
			n = n < size ? n : size - 1;
			for (size_t i = 0; i < n; i++)
				out[i] = (unsigned char)colon[i] < ' ' ? ' ' : colon[i];
			while (n > 0 && out[n - 1] == ' ')
				n--;
			out[n] = '\0';
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}

/* Decimal, or hexadecimal after "0x"; absent is 0. */
static int info_number(const char *text, const char *key, unsigned *ret, struct err *e)
{
	char value[32], *end = NULL;
	unsigned long n;

	*ret = 0;
	if (!info_get(text, key, value, sizeof(value)))
		return 0;
	errno = 0;
	n = strtoul(value, &end, 0);
	if (value[0] < '0' || value[0] > '9' || *end || errno || n > 0xffff)
		return err_set(
			e, ERR_DATA, EINVAL, "cpuinfo: '%s' is '%s', not a number", key, value);
	*ret = (unsigned)n;
	return 0;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len) {
		bool starts = p == words || p[-1] == ' ';

		if (starts && (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

static int x86_from_text(const char *text, const char *flags, struct cpu *ret, struct err *e)
{
	char vendor[16], name[64];
	struct cpu_x86_info info = {.vendor = vendor, .name = name, .flags = flags};
	int rc = info_number(text, "cpu family", &info.family, e);

	if (rc == 0)
		rc = info_number(text, "model", &info.model, e);
	if (rc < 0)
		return rc;
	info_get(text, "vendor_id", vendor, sizeof(vendor));
	info_get(text, "model name", name, sizeof(name));
	cpu_x86_from_info(&info, ret);
	return 0;
}

static int arm_from_text(const char *text, const char *features, struct cpu *ret, struct err *e)
{
	struct cpu_arm_id id = {0};
	unsigned implementer, part;
	int rc = info_number(text, "CPU implementer", &implementer, e);

	if (rc == 0)
		rc = info_number(text, "CPU part", &part, e);
	if (rc < 0)
		return rc;
	cpu_arm_hwcaps(features, &id);
	id.midr = (implementer & 0xff) << 24 | (part & 0xfff) << 4;
	cpu_arm_from_hwcap(&id, ret);
	ret->source = "cpuinfo";
	return 0;
}

int cpu_from_cpuinfo(const char *text, struct cpu *ret, struct err *e)
{
	char words[4096];

	/* "lm" is long mode; a 32-bit ARM has "half" and "thumb", never "asimd". */
	if (info_get(text, "flags", words, sizeof(words)) && has_word(words, "lm"))
		return x86_from_text(text, words, ret, e);
	if (info_get(text, "Features", words, sizeof(words)) && has_word(words, "asimd"))
		return arm_from_text(text, words, ret, e);
	*ret = (struct cpu){.arch = CPU_OTHER, .source = "cpuinfo"};
	return 0;
}

static int read_cpuinfo(int rootfd, struct cpu *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(CPUINFO_HEAD + 1);
	auto_close int fd = -1;
	int rc = fs_open(rootfd, "/proc/cpuinfo", O_RDONLY, 0, &fd, e);
	ssize_t n;

	if (rc == -ENOENT)
		return cpu_from_cpuinfo("", ret, e);
	if (rc < 0)
		return rc;
	do {
		if (buf_reserve(&text, CPUINFO_HEAD - text.len) < 0)
			return err_oom(e);
		n = read(fd, text.data + text.len, CPUINFO_HEAD - text.len);
		if (n < 0)
			return err_errno(e, "read '/proc/cpuinfo'");
		text.len += (size_t)n;
	} while (n > 0 && text.len < CPUINFO_HEAD);
	text.data[text.len] = '\0';
	return cpu_from_cpuinfo(text.data, ret, e);
}

#if defined(__aarch64__)
#define HWCAP_CPUID_BIT 11

static int read_native(int rootfd, struct cpu *ret, struct err *e)
{
	struct cpu_arm_id id = {.hwcap = getauxval(AT_HWCAP), .hwcap2 = getauxval(AT_HWCAP2)};
	uint64_t midr;

	/* Before Linux 4.11 the register cannot be read here. */
	if (!(id.hwcap >> HWCAP_CPUID_BIT & 1))
		return read_cpuinfo(rootfd, ret, e);
	__asm__("mrs %0, midr_el1" : "=r"(midr));
	id.midr = (uint32_t)midr;
	cpu_arm_from_hwcap(&id, ret);
	return 0;
}
#elif defined(__x86_64__)
static int read_native(int rootfd, struct cpu *ret, struct err *e)
{
	(void)rootfd;
	(void)e;
	cpu_x86_native(ret);
	return 0;
}
#else
static int read_native(int rootfd, struct cpu *ret, struct err *e)
{
	return read_cpuinfo(rootfd, ret, e);
}
#endif

int cpu_read(int rootfd, bool native, struct cpu *ret, struct err *e)
{
	return native ? read_native(rootfd, ret, e) : read_cpuinfo(rootfd, ret, e);
}
