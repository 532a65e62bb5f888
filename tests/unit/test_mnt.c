/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mnt_private.h"
#include "common/fs.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "tests/unit/namespace.h"

static const struct tmpfs_plan plan = {
	.size = 8 * MIB, .nr_inodes = 1024, .huge = HUGE_WITHIN_SIZE};

static bool has(const char (*text)[MNT_OPTION_TEXT], unsigned n, const char *option)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(text[i], option) == 0)
			return true;
	}
	return false;
}

static void test_wanted(void **state)
{
	static const struct {
		const char *interleave, *context, *text;
		enum huge_policy huge;
	} row[] = {
		{"", NULL,
			"size=8388608,nr_inodes=1024,mode=0755,huge=within_size,noswap,nosuid,nodev",
			HUGE_WITHIN_SIZE},
		{"0-1", NULL,
			"size=8388608,nr_inodes=1024,mode=0755,huge=never,noswap,"
			"mpol=interleave:0-1,nosuid,nodev",
			HUGE_NEVER},
		/* a list with a comma would be cut apart */
		{"0,2-3", "a:b:c:s0",
			"size=8388608,nr_inodes=1024,mode=0755,huge=always,noswap,mpol=interleave,"
			"rootcontext=a:b:c:s0,nosuid,nodev",
			HUGE_ALWAYS},
		{"", "a:b:c:s0:c1,c2",
			"size=8388608,nr_inodes=1024,mode=0755,huge=advise,noswap,"
			"rootcontext=\"a:b:c:s0:c1,c2\",nosuid,nodev",
			HUGE_ADVISE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tmpfs_plan p = plan;
		struct mnt_options o;
		struct err e = ERR_INIT;
		char text[512];

		p.huge = row[i].huge;
		snprintf(p.interleave, sizeof(p.interleave), "%s", row[i].interleave);
		mnt_options_wanted(&p, row[i].context, &o);
		assert_int_equal(o.n_dropped, 0);
		assert_int_equal(mnt_options_text(&o, text, sizeof(text), &e), 0);
		assert_string_equal(text, row[i].text);
		assert_int_equal(mnt_options_text(&o, text, strlen(text), &e), -ENAMETOOLONG);
	}
}

static void test_dropped_by_release(void **state)
{
	static const struct {
		struct mnt_kernel k;
		const char *taken, *dropped; /* first letters in order */
	} row[] = {
		{{6, 4, true, true}, "snmhnmr", ""},
		{{6, 18, true, false}, "snmhnm", "r"},
		{{6, 1, true, true}, "snmhmr", "n"},
		{{4, 14, true, false}, "snmhm", "rn"},
		{{4, 6, true, false}, "snmm", "rnh"},
		{{5, 10, false, false}, "snmm", "rnh"},
		{{0, 0, false, false}, "snmm", "rnh"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tmpfs_plan p = plan;
		struct mnt_options o;

		snprintf(p.interleave, sizeof(p.interleave), "0-1");
		mnt_options_wanted(&p, "a:b:c", &o);
		mnt_options_drop_for(&o, &row[i].k);
		assert_int_equal(o.n_taken, strlen(row[i].taken));
		assert_int_equal(o.n_dropped, strlen(row[i].dropped));
		for (unsigned n = 0; n < o.n_taken; n++)
			assert_int_equal(o.taken[n][0], row[i].taken[n]);
		for (unsigned n = 0; n < o.n_dropped; n++)
			assert_int_equal(o.dropped[n][0], row[i].dropped[n]);
	}
}

static void test_again(void **state)
{
	static const struct {
		const char *text, *want; /* behind size, nr_inodes and mode; NULL: refused */
	} row[] = {
		{"rw,nosuid,nodev,relatime,size=1024k,nr_inodes=7,inode64", ""},
		{"rw,nosuid,nodev,relatime,seclabel,size=1024k,huge=within_size,noswap,inode64",
			",huge=within_size,noswap"},
		{"size=5,nr_inodes=6,mode=0755,huge=never,mpol=interleave:0-1,nosuid,nodev",
			",huge=never,mpol=interleave:0-1"},
		{"rw,mpol=interleave:0,2-3,5,noswap", ",mpol=interleave,noswap"},
		{"mpol=interleave", ",mpol=interleave"},
		{"mpol=bind:0,1,noswap", ",noswap"},
		{"rw,rootcontext=a:b:c:s0,noswap", ",rootcontext=a:b:c:s0,noswap"},
		{"rw,rootcontext=\"a:b:c:s0:c1,c2\",noswap",
			",rootcontext=\"a:b:c:s0:c1,c2\",noswap"},
		{"noswapping,hugely=1,,uid=5,ExecStart=/bin/sh", ""},
		{"", ""},
		{"huge=never\nExecStart=/bin/sh", NULL},
		{"huge=a b", NULL},
		{"huge=a\\x20", NULL},
		{"rootcontext=\"a:b:c:00000000000000000000000000000000000000000000000000000000000"
		 "0000000000000000000000000000000000000000000000000000000000000000000\"",
			NULL},
		{"huge=never,huge=never,huge=never,huge=never,huge=never,huge=never,huge=never",
			",huge=never,huge=never,huge=never,huge=never,huge=never"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct mnt_options o;
		struct err e = ERR_INIT;
		char text[512], want[512];
		int rc = mnt_options_again(row[i].text, 4 * MIB, 99, &o, &e);

		if (!row[i].want) {
			assert_int_equal(rc, -EBADMSG);
			assert_int_equal(e.kind, ERR_DATA);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(mnt_options_text(&o, text, sizeof(text), &e), 0);
		snprintf(want, sizeof(want), "size=4194304,nr_inodes=99,mode=0755%s,nosuid,nodev",
			row[i].want);
		assert_string_equal(text, want);
	}
}

static void test_mountinfo_line(void **state)
{
	static const struct {
		const char *line;
		int rc;
		const char *options;
		bool read_only, mount_read_only;
	} row[] = {
		{"29 1 0:25 / /shared rw,nosuid,nodev,relatime shared:5 - tmpfs tmpfs "
		 "rw,size=1024k,inode64",
			1, "rw,nosuid,nodev,relatime,size=1024k,inode64", false, false},
		{"29 1 0:25 / /a\\040b ro,relatime - tmpfs none rw", 1, "ro,relatime", false, true},
		{"29 1 0:25 / /shared ro shared:5 master:2 propagate_from:1 - tmpfs t ro,size=1k",
			1, "ro,ro,size=1k", true, true},
		{"30 1 0:25 / /shared rw - tmpfs t rw", 0, NULL, false, false},
		{"29 1 0:25 / /shared rw - ext4 /dev/sda rw", -EEXIST, NULL, false, false},
		{"29 1 0:25 /x /shared rw - tmpfs t rw", -EEXIST, NULL, false, false},
		{"29 1 0:25 / /shared rw - tmpfs t", -EINVAL, NULL, false, false},
		{"29 1 0:25 / /shared rw shared:5", -EINVAL, NULL, false, false},
		{"29 1 0:25 / /shared rw", -EINVAL, NULL, false, false},
		{"x 1 0:25 / /shared rw - tmpfs t rw", -EINVAL, NULL, false, false},
		{"", -EINVAL, NULL, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct mnt_found f = {.fd = -1};
		char line[256];

		snprintf(line, sizeof(line), "%s", row[i].line);
		assert_int_equal(mnt_parse_line(line, 29, &f), row[i].rc);
		if (row[i].rc <= 0)
			continue;
		assert_string_equal(f.live.options, row[i].options);
		assert_int_equal(f.read_only, row[i].read_only);
		assert_int_equal(f.mount_read_only, row[i].mount_read_only);
	}
}

static void read_mounts(char *out, size_t size)
{
	auto_buf struct buf text = BUF_INIT(MIB);
	struct err e = ERR_INIT;

	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/mountinfo", &text, &e), 0);
	snprintf(out, size, "%s", buf_str(&text));
}

static void test_probe(void **state)
{
	static char before[65536], after[65536];
	struct tmpfs_plan p = plan;
	struct mnt_options o;
	struct err e = ERR_INIT;

	(void)state;
	namespace_needed();
	read_mounts(before, sizeof(before));
	snprintf(p.interleave, sizeof(p.interleave), "0-63");
	assert_int_equal(mnt_probe(&p, "not_a:context", &o, &e), 0);
	assert_true(o.n_taken >= MNT_REQUIRED);
	assert_string_equal(o.taken[0], "size=8388608");
	assert_string_equal(o.taken[1], "nr_inodes=1024");
	assert_string_equal(o.taken[2], "mode=0755");
	/* no such context anywhere, no machine with so many nodes */
	assert_true(has(o.dropped, o.n_dropped, "rootcontext=not_a:context"));
	assert_true(has(o.dropped, o.n_dropped, "mpol=interleave:0-63"));
	assert_int_equal(o.n_taken + o.n_dropped, 7);
	read_mounts(after, sizeof(after));
	assert_string_equal(after, before);
}

/* As in a hardened unit: nothing can be tried, and nothing fails. */
static void test_probe_without_privileges(void **state)
{
	struct mnt_options o;
	struct err e = ERR_INIT;
	uid_t self = geteuid();
	int rc;

	(void)state;
	namespace_needed();
	assert_int_equal(seteuid(65534), 0);
	rc = mnt_probe(&plan, NULL, &o, &e);
	assert_int_equal(seteuid(self), 0);
	assert_int_equal(rc, 0);
	assert_true(o.n_taken >= MNT_REQUIRED);
	assert_int_equal(o.n_taken + o.n_dropped, 5);
}

static void path_of(const struct scratch *t, const char *name, char out[static 128])
{
	snprintf(out, 128, "%s/%s", t->path, name);
}

static void make_mount(const struct scratch *t, char path[static 128])
{
	struct mnt_options o;
	struct err e = ERR_INIT;

	path_of(t, "m", path);
	assert_int_equal(mkdirat(t->fd, "m", 0), 0);
	assert_int_equal(mnt_probe(&plan, NULL, &o, &e), 0);
	if (mnt_mount(path, &o, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_mount(void **state)
{
	const struct scratch *t = *state;
	struct mnt_options o;
	struct mnt_live live;
	struct statvfs st;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	make_mount(t, path);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_true(live.mounted);
	assert_int_equal(live.size, 8 * MIB);
	assert_int_equal(live.used, 0);
	assert_int_equal(live.nr_inodes, 1024);
	assert_int_equal(live.used_inodes, 1);
	assert_non_null(strstr(live.options, "rw,nosuid,nodev,relatime,size=8192k,nr_inodes=1024"));
	assert_int_equal(scratch_mode(t, "m") & 07777, 0755);
	assert_int_equal(statvfs(path, &st), 0);
	assert_true(st.f_flag & ST_NOSUID && st.f_flag & ST_NODEV && !(st.f_flag & ST_RDONLY));

	/* not twice */
	mnt_options_wanted(&plan, NULL, &o);
	assert_int_equal(mnt_mount(path, &o, &e), -EBUSY);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_false(live.mounted);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

static void test_mount_refused(void **state)
{
	const struct scratch *t = *state;
	struct tmpfs_plan p = plan;
	struct mnt_options o;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	mnt_options_wanted(&p, NULL, &o);
	path_of(t, "absent", path);
	assert_int_equal(mnt_mount(path, &o, &e), -ENOENT);
	scratch_write(t, "file", "");
	path_of(t, "file", path);
	assert_int_equal(mnt_mount(path, &o, &e), -ENOTDIR);
	assert_int_equal(symlinkat(".", t->fd, "link"), 0);
	path_of(t, "link", path);
	assert_int_equal(mnt_mount(path, &o, &e), -ENOTDIR);
	assert_int_equal(mkdirat(t->fd, "m", 0755), 0);
	path_of(t, "m", path);
	snprintf(o.taken[2], MNT_OPTION_TEXT, "mode=rubbish");
	assert_int_equal(mnt_mount(path, &o, &e), -EINVAL);
	assert_int_equal(e.kind, ERR_SYSTEM);
	/* in the kernel's own words */
	assert_non_null(strstr(e.msg, "tmpfs: Bad value for 'mode'"));
	snprintf(o.taken[0], MNT_OPTION_TEXT, "size");
	assert_true(mnt_mount(path, &o, &e) < 0);
}

static void test_mount_old(void **state)
{
	const struct scratch *t = *state;
	auto_close int dirfd = -1;
	struct mnt_options o;
	struct mnt_live live;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	path_of(t, "m", path);
	assert_int_equal(mkdirat(t->fd, "m", 0), 0);
	dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mnt_probe(&plan, NULL, &o, &e), 0);
	assert_int_equal(mnt_mount_old(dirfd, &o), 0);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_true(live.mounted);
	assert_int_equal(live.size, 8 * MIB);
	assert_non_null(strstr(live.options, "rw,nosuid,nodev"));
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

static void test_live_of_others(void **state)
{
	const struct scratch *t = *state;
	struct mnt_live live;
	struct err e = ERR_INIT;
	char path[128], bind[128];

	namespace_needed();
	assert_int_equal(mkdirat(t->fd, "m", 0755), 0);
	assert_int_equal(mkdirat(t->fd, "bind", 0755), 0);
	path_of(t, "m", path);
	path_of(t, "bind", bind);
	/* mounted on itself, as in a unit with ReadWritePaths= */
	assert_int_equal(mount(bind, bind, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mnt_live(bind, &live, &e), 0);
	assert_false(live.mounted);
	assert_int_equal(umount2(bind, 0), 0);
	/* a directory of another tmpfs, and another kind of file system */
	assert_int_equal(mount("other", path, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(mkdirat(t->fd, "m/part", 0755), 0);
	path_of(t, "m/part", path);
	assert_int_equal(mount(path, bind, NULL, MS_BIND, NULL), 0);
	path_of(t, "m", path);
	assert_int_equal(mnt_live(bind, &live, &e), -EEXIST);
	assert_non_null(strstr(e.msg, "something else"));
	assert_int_equal(umount2(bind, 0), 0);
	assert_int_equal(umount2(path, 0), 0);
	assert_int_equal(mount("proc", path, "proc", 0, NULL), 0);
	assert_int_equal(mnt_live(path, &live, &e), -EEXIST);
	assert_int_equal(mnt_resize(path, MIB, 100, &e), -EEXIST);
	assert_int_equal(mnt_unmount(path, true, &e), -EEXIST);
	assert_int_equal(umount2(path, 0), 0);
	/* no mount at all */
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_false(live.mounted);
	assert_int_equal(mnt_resize(path, MIB, 100, &e), -ENOENT);
	path_of(t, "absent/dir", path);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_false(live.mounted);
	/* what is mounted last counts */
	assert_int_equal(mount("one", bind, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(mount("two", bind, "tmpfs", 0, "size=2m"), 0);
	assert_int_equal(mnt_live(bind, &live, &e), 0);
	assert_int_equal(live.size, 2 * MIB);
	assert_int_equal(umount2(bind, 0), 0);
	assert_int_equal(umount2(bind, 0), 0);
}

static void test_live_through_symlinks(void **state)
{
	const struct scratch *t = *state;
	struct mnt_live live;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	make_mount(t, path);
	assert_int_equal(symlinkat("m", t->fd, "link"), 0);
	assert_int_equal(symlinkat(".", t->fd, "above"), 0);
	path_of(t, "link", path);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_false(live.mounted);
	path_of(t, "above/m", path);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_true(live.mounted);
	path_of(t, "m", path);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

static void fill(const struct scratch *t, const char *name, size_t bytes)
{
	auto_free char *text = malloc(bytes + 1);

	assert_non_null(text);
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	scratch_write(t, name, text);
}

static void test_resize(void **state)
{
	const struct scratch *t = *state;
	struct mnt_live before, live;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	make_mount(t, path);
	assert_int_equal(mnt_live(path, &before, &e), 0);
	assert_int_equal(mnt_resize(path, 16 * MIB, 2048, &e), 0);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_int_equal(live.size, 16 * MIB);
	assert_int_equal(live.nr_inodes, 2048);
	fill(t, "m/file", 3 * MIB);
	assert_int_equal(mnt_resize(path, 4 * MIB, 100, &e), 0);
	assert_int_equal(mnt_resize(path, 2 * MIB, 100, &e), -EBUSY);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.msg, "3.0 MiB and 2 inodes are in use"));
	assert_non_null(strstr(e.msg, "Too small a size for current use"));
	assert_int_equal(mnt_resize(path, 8 * MIB, 1, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "Too few inodes for current use"));
	/* for tmpfs that would be no limit at all */
	assert_int_equal(mnt_resize(path, 0, 100, &e), -EBUSY);
	assert_int_equal(mnt_resize(path, 8 * MIB, 0, &e), -EBUSY);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_int_equal(live.size, 4 * MIB);
	assert_int_equal(live.nr_inodes, 100);
	/* and as it was, with all flags */
	assert_int_equal(mnt_resize(path, 8 * MIB, 1024, &e), 0);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_string_equal(live.options, before.options);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

/* The way of Linux before 5.2. */
static void test_remount(void **state)
{
	const struct scratch *t = *state;
	struct mnt_found f;
	struct mnt_live before, live;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	make_mount(t, path);
	assert_int_equal(mount(NULL, path, NULL,
				 MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOATIME, NULL),
		0);
	assert_int_equal(mnt_live(path, &before, &e), 0);
	assert_int_equal(mnt_find(path, &f, &e), 0);
	assert_int_equal(mnt_remount(&f, 16 * MIB, 2048), 0);
	fill(t, "m/file", 3 * MIB);
	assert_int_equal(mnt_remount(&f, 2 * MIB, 2048), -EINVAL);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_int_equal(live.size, 16 * MIB);
	assert_int_equal(live.nr_inodes, 2048);
	assert_int_equal(mnt_remount(&f, 8 * MIB, 1024), 0);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_string_equal(live.options, before.options);
	assert_non_null(strstr(live.options, "rw,nosuid,nodev,noatime"));
	close(f.fd);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

/* As in a hardened unit: this mount is read-only, the superblock must not become so. */
static void test_remount_of_read_only(void **state)
{
	const struct scratch *t = *state;
	struct mnt_found f;
	struct err e = ERR_INIT;
	char path[128], bind[128];

	namespace_needed();
	make_mount(t, path);
	assert_int_equal(mkdirat(t->fd, "bind", 0755), 0);
	path_of(t, "bind", bind);
	assert_int_equal(mount(path, bind, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, bind, NULL,
				 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL),
		0);
	for (int old = 0; old < 2; old++) {
		char words[128];

		assert_int_equal(mnt_find(bind, &f, &e), 0);
		assert_true(f.mount_read_only && !f.read_only);
		assert_int_equal(old ? mnt_remount(&f, 16 * MIB, 2048)
				     : mnt_reconfigure(f.fd, 4 * MIB, 512, words),
			0);
		close(f.fd);
		assert_int_equal(mnt_find(bind, &f, &e), 0);
		assert_int_equal(f.live.size, old ? 16 * MIB : 4 * MIB);
		assert_true(f.mount_read_only && !f.read_only);
		close(f.fd);
	}
	scratch_write(t, "m/file", "still writable");
	assert_int_equal(umount2(bind, 0), 0);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

static void test_unmount_of_busy(void **state)
{
	const struct scratch *t = *state;
	struct mnt_live live;
	struct err e = ERR_INIT;
	char path[128];
	int fd;

	namespace_needed();
	make_mount(t, path);
	scratch_write(t, "m/file", "x");
	fd = openat(t->fd, "m/file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(mnt_unmount(path, false, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "--lazy"));
	assert_int_equal(mnt_unmount(path, true, &e), 0);
	close(fd);
	assert_int_equal(mnt_live(path, &live, &e), 0);
	assert_false(live.mounted);
}

static void test_clone(void **state)
{
	const struct scratch *t = *state;
	auto_close int bare = -1;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	scratch_write(t, "m0", "x");
	make_mount(t, path);
	assert_int_equal(mnt_clone(t->fd, &bare, &e), 0);
	assert_int_equal(faccessat(bare, "m0", F_OK, 0), 0);
	assert_int_equal(scratch_mode(t, "m") & 07777, 0755);
	assert_int_equal(scratch_mode(&(struct scratch){.fd = bare}, "m") & 07777, 0);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
}

#define MOUNTS(f) cmocka_unit_test_setup_teardown(f, namespace_setup, namespace_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_dropped_by_release),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_mountinfo_line),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_without_privileges),
		MOUNTS(test_mount),
		MOUNTS(test_mount_refused),
		MOUNTS(test_mount_old),
		MOUNTS(test_live_of_others),
		MOUNTS(test_live_through_symlinks),
		MOUNTS(test_resize),
		MOUNTS(test_remount),
		MOUNTS(test_remount_of_read_only),
		MOUNTS(test_unmount_of_busy),
		MOUNTS(test_clone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, namespace_enter, NULL);
}
