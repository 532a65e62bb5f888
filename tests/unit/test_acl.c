/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/acl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* linux/posix_acl_xattr.h: version, then tag, permissions, id. */
#define VERSION              "\2\0\0\0"
#define ENTRY(tag, perm, id) tag "\0" perm "\0" id
#define NOBODY               "\377\377\377\377"
#define OWNER(perm)          ENTRY("\1", perm, NOBODY)
#define OWNING_GROUP(perm)   ENTRY("\4", perm, NOBODY)
#define MASK(perm)           ENTRY("\20", perm, NOBODY)
#define OTHERS(perm)         ENTRY("\40", perm, NOBODY)
#define USER_1000(perm)      ENTRY("\2", perm, "\350\3\0\0")
#define GROUP_7(perm)        ENTRY("\10", perm, "\7\0\0\0")

struct value {
	const char *data;
	size_t len;
};

/* clang-format off */
#define VALUE(text) {text, sizeof(text) - 1}
/* clang-format on */

static const struct {
	const char *text;
	struct value value;
	const char *again; /* what the value is as text, if not the same */
} good[] = {
	{"user::rwx,group::r-x,other::---",
		VALUE(VERSION OWNER("\7") OWNING_GROUP("\5") OTHERS("\0")), NULL},
	{"user::rw-,user:1000:r--,group::r--,mask::r--,other::-w-",
		VALUE(VERSION OWNER("\6") USER_1000("\4") OWNING_GROUP("\4") MASK("\4")
				OTHERS("\2")),
		NULL},
	{"user::rwx,group::---,group:7:--x,mask::--x,other::---",
		VALUE(VERSION OWNER("\7") OWNING_GROUP("\0") GROUP_7("\1") MASK("\1") OTHERS("\0")),
		NULL},
	/* As libarchive writes it: classes first, numbers behind names. */
	{"user::rw-,group::r--,other::r--,user:joe:r--:1000,group:x:r-x:7,mask::rwx",
		VALUE(VERSION OWNER("\6") USER_1000("\4") OWNING_GROUP("\4") GROUP_7("\5")
				MASK("\7") OTHERS("\4")),
		"user::rw-,user:1000:r--,group::r--,group:7:r-x,mask::rwx,other::r--"},
	/* A name of digits is not the number. */
	{"user::---,user:7:---:1000,group::---,mask::---,other::---",
		VALUE(VERSION OWNER("\0") USER_1000("\0") OWNING_GROUP("\0") MASK("\0")
				OTHERS("\0")),
		"user::---,user:1000:---,group::---,mask::---,other::---"},
	{"user::rwx,user:0:rwx,user:4294967294:rwx,group::rwx,mask::rwx,other::rwx",
		VALUE(VERSION OWNER("\7") ENTRY("\2", "\7", "\0\0\0\0") ENTRY(
			"\2", "\7", "\376\377\377\377") OWNING_GROUP("\7") MASK("\7") OTHERS("\7")),
		NULL},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_buf struct buf value = BUF_INIT(ACL_VALUE_MAX);
		auto_buf struct buf text = BUF_INIT(ACL_TEXT_MAX);
		struct err e = ERR_INIT;

		if (acl_from_text(good[i].text, &value, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		assert_int_equal(value.len, good[i].value.len);
		assert_memory_equal(value.data, good[i].value.data, value.len);
		assert_int_equal(acl_to_text(value.data, value.len, &text, &e), 0);
		assert_string_equal(text.data, good[i].again ? good[i].again : good[i].text);
	}
}

#define REST ",group::r--,mask::rwx,other::r--"

static const struct {
	const char *text;
	int rc;
} bad[] = {
	{"", -EBADMSG},
	{",", -EBADMSG},
	{"user::rwx", -EBADMSG},
	{"user::rwx,group::rwx", -EBADMSG},
	{"user::rwx,other::rwx", -EBADMSG},
	{"group::rwx,other::rwx", -EBADMSG},
	{"user::rwx" REST ",", -EBADMSG},
	{"user::rwx,," REST, -EBADMSG},
	{"user::rwx" REST ",other::r--", -EBADMSG},
	{"user::rwx,user::r--" REST, -EBADMSG},
	{"user::rwx,user:1:r--,user:1:rw-" REST, -EBADMSG},
	{"user::rwx,user:joe:r--:1,user:1:rw-" REST, -EBADMSG},
	{"user::rwx,user:1:r--,group::r--,other::r--", -EBADMSG},
	{"user::rwx,group:1:r--,group::r--,other::r--", -EBADMSG},
	{"user::rw" REST, -EBADMSG},
	{"user::rwxx" REST, -EBADMSG},
	{"user::rwX" REST, -EBADMSG},
	{"user::xwr" REST, -EBADMSG},
	{"user::7" REST, -EBADMSG},
	{"user:rwx" REST, -EBADMSG},
	{"user" REST, -EBADMSG},
	{"u::rwx" REST, -EBADMSG},
	{" user::rwx" REST, -EBADMSG},
	{"owner::rwx" REST, -EBADMSG},
	{"user::rwx,mask:1:rwx,group::r--,other::r--", -EBADMSG},
	{"user::rwx,group::r--,other:joe:r--:7", -EBADMSG},
	{"user::rwx:1" REST, -EBADMSG},
	{"user::rwx,user:joe:rwx:" REST, -ESRCH},
	{"user::rwx,user:joe:rwx:x" REST, -EBADMSG},
	{"user::rwx,user:joe:rwx:1:2" REST, -EBADMSG},
	{"user::rwx,user:joe:rwx:4294967295" REST, -EBADMSG},
	{"user::rwx,user:joe:rwx:99999999999999999999" REST, -EBADMSG},
	{"user::rwx,user:joe:rwx" REST, -ESRCH},
	{"user::rwx,user:-1:rwx" REST, -ESRCH},
	{"user::rwx,user:4294967295:rwx" REST, -ESRCH},
	{"user::rwx,group:staff:rwx" REST, -ESRCH},
	{"user::rwx,user:1000:r--" REST "\nuser:1:rwx", -EBADMSG},
	{"user::rwx\t#effective:r--" REST, -EBADMSG},
};

static void test_bad_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_buf struct buf value = BUF_INIT(ACL_VALUE_MAX);
		struct err e = ERR_INIT;
		int rc = acl_from_text(bad[i].text, &value, &e);

		if (rc != bad[i].rc || e.kind != ERR_DATA || value.len != 0)
			fail_msg("'%s' gives %d: %s", bad[i].text, rc, e.msg);
	}
}

static const struct value bad_values[] = {
	VALUE(""),
	VALUE(VERSION),
	VALUE("\1\0\0\0" OWNER("\7") OWNING_GROUP("\5") OTHERS("\0")),
	VALUE(VERSION OWNER("\7") OWNING_GROUP("\5")),
	VALUE(VERSION OWNER("\7") OWNING_GROUP("\5") OTHERS("\0") "\0"),
	VALUE(VERSION OWNER("\7") OWNING_GROUP("\5") OTHERS("\10")),
	VALUE(VERSION OWNER("\7") OWNING_GROUP("\5") OTHERS("\0") OTHERS("\0")),
	VALUE(VERSION OWNER("\7") USER_1000("\7") OWNING_GROUP("\5") OTHERS("\0")),
	VALUE(VERSION ENTRY("\0", "\7", NOBODY) OWNER("\7") OWNING_GROUP("\5") OTHERS("\0")),
	VALUE(VERSION OWNER("\7") OWNING_GROUP("\5") OTHERS("\0") ENTRY("\100", "\7", NOBODY)),
};

static void test_bad_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_values); i++) {
		auto_buf struct buf text = BUF_INIT(ACL_TEXT_MAX);
		struct err e = ERR_INIT;

		if (acl_to_text(bad_values[i].data, bad_values[i].len, &text, &e) != -EBADMSG)
			fail_msg("value %zu is taken: %s", i, buf_str(&text));
	}
}

/* As many entries as the kernel takes, and one more. */
static void test_many(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		auto_buf struct buf text = BUF_INIT(ACL_TEXT_MAX);
		auto_buf struct buf value = BUF_INIT(ACL_VALUE_MAX);
		auto_buf struct buf again = BUF_INIT(ACL_TEXT_MAX);
		struct err e = ERR_INIT;

		assert_int_equal(buf_adds(&text, "user::rwx"), 0);
		for (unsigned i = 0; i < (64 * 1024 - 4) / 8 - 4 + more; i++)
			assert_int_equal(buf_addf(&text, ",user:%u:r-x", i), 0);
		assert_int_equal(buf_adds(&text, REST), 0);
		assert_int_equal(acl_from_text(text.data, &value, &e), more ? -EBADMSG : 0);
		if (more)
			break;
		assert_int_equal(acl_to_text(value.data, value.len, &again, &e), 0);
		assert_string_equal(again.data, text.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_bad_value),
		cmocka_unit_test(test_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
