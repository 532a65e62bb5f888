/* SPDX-License-Identifier: Apache-2.0 */
/* GUIDs: UEFI specification; the Discoverable Partitions Specification of the UAPI group. */
#include "common/json.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#define JSON_MAX (256 * 1024)

#define GUID_ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"

/* Types of partitions that hold the root, and those that may. */
static const char *const root_types[] = {
	"4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", /* x86-64 */
	"B921B045-1DF0-41C3-AF44-4C6F280D3FAE", /* aarch64 */
};

static const char *const data_types[] = {
	"0FC63DAF-8483-4772-8E79-3D69D8477DE4", /* Linux file system */
	"83",                                   /* the same, of an MBR */
};

/* Of an MBR: that which logical ones are in. */
static const char *const containers[] = {"5", "f", "85"};

static bool is_one_of(const char *type, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(type, list[i]) == 0)
			return true;
	}
	return false;
}

/* "/any/disk12" or "/any/disk.imgp12": the number at its end. */
static unsigned number_of(const char *node)
{
	const char *end = node + strlen(node), *p = end;
	unsigned number = 0;

	while (p > node && p[-1] >= '0' && p[-1] <= '9' && end - p < 4)
		p--;
	for (; p < end; p++)
		number = number * 10 + (unsigned)(*p - '0');
	return number;
}

/* The sector size stays far below what would overflow when it is multiplied. */
static int parse_part(
	const json_t *j, uint64_t sector, uint64_t bytes, struct disk_part *ret, struct err *e)
{
	const char *node, *type;
	uint64_t start, size;
	int rc = json_get_string(j, "node", &node, e);

	if (rc == 0)
		rc = json_get_string(j, "type", &type, e);
	if (rc == 0)
		rc = json_get_u64(j, "start", &start, e);
	if (rc == 0)
		rc = json_get_u64(j, "size", &size, e);
	if (rc < 0)
		return rc;
	if (start == 0 || size == 0 || start > bytes / sector || size > bytes / sector - start)
		return err_set(e, ERR_DATA, ERANGE, "a partition lies outside of the disk");
	*ret = (struct disk_part){
		.number = number_of(node), .start = start * sector, .size = size * sector};
	if (ret->number == 0 || ret->number > DISK_PARTS)
		return err_set(e, ERR_DATA, EINVAL, "a partition has no number");
	snprintf(ret->type, sizeof(ret->type), "%s", type);
	ret->root = is_one_of(type, root_types, ARRAY_LEN(root_types));
	ret->linux_data = is_one_of(type, data_types, ARRAY_LEN(data_types));
	return 0;
}

static int check_overlap(const struct disk_table *t, const struct disk_part *p, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct disk_part *o = &t->part[i];

		if (o->number == p->number ||
			(p->start < o->start + o->size && o->start < p->start + p->size))
			return err_set(e, ERR_DATA, EINVAL, "partitions overlap");
	}
	return 0;
}

int disk_table_parse(
	const char *json, size_t len, uint64_t bytes, struct disk_table *ret, struct err *e)
{
	auto_json json_t *top = NULL;
	const json_t *table, *parts, *part;
	json_int_t sector;
	const char *label;
	size_t i;
	int rc = json_parse(json, len, "partition table", &top, e);

	if (rc < 0)
		return rc;
	table = json_object_get(top, "partitiontable");
	rc = json_get_string(table, "label", &label, e);
	if (rc < 0)
		return rc;
	*ret = (struct disk_table){.gpt = strcmp(label, "gpt") == 0};
	if (!ret->gpt && strcmp(label, "dos") != 0)
		return err_set(
			e, ERR_DATA, EINVAL, "a partition table that is neither GPT nor MBR");
	/* Not told before util-linux 2.35. */
	sector = json_object_get(table, "sectorsize")
			 ? json_integer_value(json_object_get(table, "sectorsize"))
			 : (json_int_t)DISK_SECTOR;
	if (sector != 512 && sector != 4096)
		return err_set(e, ERR_DATA, EINVAL, "sectors are neither of 512 nor of 4096 bytes");
	parts = json_object_get(table, "partitions");
	if (json_array_size(parts) > DISK_PARTS)
		return err_set(e, ERR_DATA, E2BIG, "more than %d partitions", DISK_PARTS);
	json_array_foreach(parts, i, part)
	{
		struct disk_part *p = &ret->part[ret->n];

		rc = parse_part(part, (uint64_t)sector, bytes, p, e);
		if (rc == 0 && !ret->gpt && is_one_of(p->type, containers, ARRAY_LEN(containers)))
			continue;
		if (rc == 0)
			rc = check_overlap(ret, p, e);
		if (rc < 0)
			return rc;
		ret->esp = ret->esp || strcasecmp(p->type, GUID_ESP) == 0 ||
			   (!ret->gpt && strcmp(p->type, "ef") == 0);
		ret->n++;
	}
	return 0;
}

int disk_table_read(const char *file, struct disk_table *ret, struct err *e)
{
	const char *argv[] = {"sfdisk", "--json", file, NULL};
	auto_buf struct buf json = BUF_INIT(JSON_MAX);
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	int rc;

	if (bytes < 0)
		return err_errno(e, "cannot open '%s'", file);
	rc = disk_run(&(struct disk_command){.argv = argv, .out = &json, .kind = ERR_DATA}, e);
	return rc < 0 ? rc : disk_table_parse(buf_str(&json), json.len, (uint64_t)bytes, ret, e);
}

const char *disk_filesystem(const unsigned char *head, size_t len)
{
	if (len >= 1082 && head[1080] == 0x53 && head[1081] == 0xef)
		return "ext4";
	if (len >= 4 && memcmp(head, "XFSB", 4) == 0)
		return "xfs";
	if (len >= 65608 && memcmp(head + 65600, "_BHRfS_M", 8) == 0)
		return "btrfs";
	return NULL;
}

static const char *filesystem_at(int fd, const struct disk_part *p)
{
	unsigned char head[66 * 1024];
	ssize_t n = pread(fd, head, sizeof(head), (off_t)p->start);

	return n > 0 ? disk_filesystem(head, (size_t)n) : NULL;
}

int disk_table_root(
	const struct disk_table *t, const char *file, const struct disk_part **ret, struct err *e)
{
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	const struct disk_part *best = NULL;

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", file);
	for (size_t i = 0; i < t->n; i++) {
		const struct disk_part *p = &t->part[i];

		if ((!p->root && !p->linux_data) || !filesystem_at(fd, p))
			continue;
		if (!best || p->root > best->root ||
			(p->root == best->root && p->size > best->size))
			best = p;
	}
	if (!best)
		return err_set(e, ERR_DATA, ENOENT,
			"no partition has a root of Linux: ext4, xfs or btrfs is known, LVM and "
			"encryption are not");
	*ret = best;
	return 0;
}

bool disk_part_is_last(const struct disk_table *t, const struct disk_part *p)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->part[i].start > p->start)
			return false;
	}
	return true;
}
