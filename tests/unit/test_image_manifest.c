/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_manifest.h"

#include "common/json.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* '@' is a NUL. */
#define FILES   "d 755 0 0 4096@@@f 644 0 7 12@z@@f 4755 0 0 3@a b\n\\c@@l 777 0 0 1@etc/link@to x@"
#define DIGESTS A "  ./z\n\\" B "  ./a b\\n\\\\c\n"
#define PACKAGES                                                                                   \
	"os debian 12 -\nrpm b 1:2-3 x86_64\ndpkg zlib 1.2+x amd64\ndpkg abc 1\\\x1b[1m\xc3\xa9 all\n"
#define GOOD FILES "@" DIGESTS "\n" PACKAGES "end\n"

static void fill(struct buf *list, const char *text)
{
	assert_int_equal(buf_adds(list, text), 0);
	for (size_t i = 0; i < list->len; i++) {
		if (list->data[i] == '@')
			list->data[i] = '\0';
	}
}

static void test_text(void **state)
{
	static const char want[] = "os debian 12\n"
				   "d 0755 0 0 - - /\n"
				   "f 4755 0 0 3 " B " /a\\040b\\012\\134c\n"
				   "l 0777 0 0 - to\\040x /etc/link\n"
				   "f 0644 0 7 12 " A " /z\n"
				   "package dpkg abc 1\\134\\033[1m\\303\\251 all\n"
				   "package dpkg zlib 1.2+x amd64\n"
				   "package rpm b 1:2-3 x86_64\n";
	const struct scratch *t = *state;
	auto_image_manifest struct image_manifest m = {0};
	auto_buf struct buf list = BUF_INIT(4096);
	struct err e = ERR_INIT;
	char path[128], text[8192];

	fill(&list, GOOD);
	if (image_manifest_read(&list, &m, &e) < 0)
		fail_msg("%s", e.msg);
	snprintf(path, sizeof(path), "%s/m", t->path);
	assert_int_equal(image_manifest_write(&m, path, &e), 0);
	scratch_read(t, "m", text, sizeof(text));
	assert_non_null(strstr(text, "#   /var/cache/*: "));
	assert_non_null(strstr(text, "\nos "));
	assert_string_equal(strstr(text, "\nos ") + 1, want);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"end\n",
		FILES,
		FILES "@",
		FILES "@" DIGESTS,
		FILES "@" DIGESTS "\n" PACKAGES,
		GOOD "more\n",
		/* no os */
		FILES "@" DIGESTS "\ndpkg a 1 all\nend\n",
		/* a file without its digest, a digest without its file, of a folder */
		FILES "@" A "  ./z\n\n" PACKAGES "end\n",
		FILES "@" DIGESTS A "  ./none\n\n" PACKAGES "end\n",
		FILES "@" DIGESTS A "  ./\n\n" PACKAGES "end\n",
		FILES "@" DIGESTS A "  ./etc/link\n\n" PACKAGES "end\n",
		/* what is none */
		FILES "@" DIGESTS "x\n\n" PACKAGES "end\n",
		FILES "@" DIGESTS "\\" A "  ./z\\x\n\n" PACKAGES "end\n",
		FILES "@" DIGESTS "sha256sum: z: No such file\n\n" PACKAGES "end\n",
		"q 755 0 0 1@x@@" FILES "@" DIGESTS "\n" PACKAGES "end\n",
		"d 755 0 0 1 2@x@@" FILES "@" DIGESTS "\n" PACKAGES "end\n",
		"d 799 0 0@x@@" FILES "@" DIGESTS "\n" PACKAGES "end\n",
		FILES "@" DIGESTS "\ndpkg a 1\nos debian 12 -\nend\n",
		FILES "@" DIGESTS "\ndpkg a 1 all more\nos debian 12 -\nend\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_image_manifest struct image_manifest m = {0};
		auto_buf struct buf list = BUF_INIT(4096);
		struct err e = ERR_INIT;

		fill(&list, bad[i]);
		if (image_manifest_read(&list, &m, &e) == 0)
			fail_msg("list %zu is taken", i);
		assert_int_equal(e.kind, ERR_DATA);
	}
}

/* Cut anywhere it is refused. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(GOOD); len++) {
		auto_image_manifest struct image_manifest m = {0};
		auto_buf struct buf list = BUF_INIT(4096);
		struct err e = ERR_INIT;

		fill(&list, GOOD);
		list.len = len;
		list.data[len] = '\0';
		assert_true(image_manifest_read(&list, &m, &e) < 0);
	}
}

static void test_bom(void **state)
{
	const struct scratch *t = *state;
	auto_image_manifest struct image_manifest m = {0};
	auto_buf struct buf list = BUF_INIT(4096);
	const struct project p = {0};
	const struct bake b = {
		.project = &p, .rpm = {.file = {.path = NULL, .name = "a.rpm", .digest = A}}};
	const struct image_origin o = {.name = "image", .base = "ami-1"};
	auto_json json_t *bom = NULL;
	struct err e = ERR_INIT;
	char path[128], text[8192];
	const json_t *parts;

	fill(&list, GOOD);
	assert_int_equal(image_manifest_read(&list, &m, &e), 0);
	snprintf(path, sizeof(path), "%s/b", t->path);
	assert_int_equal(image_bom_write(&m, &b, &o, path, &e), 0);
	scratch_read(t, "b", text, sizeof(text));
	assert_int_equal(json_parse(text, strlen(text), "bom", &bom, &e), 0);
	assert_null(json_object_get(bom, "serialNumber"));
	parts = json_object_get(bom, "components");
	assert_int_equal(json_array_size(parts), 5);
	assert_string_equal(json_string_value(json_object_get(json_array_get(parts, 3), "purl")),
		"pkg:deb/debian/zlib@1.2%2Bx?arch=amd64&distro=debian-12");
	assert_string_equal(json_string_value(json_object_get(json_array_get(parts, 4), "purl")),
		"pkg:rpm/debian/b@2-3?arch=x86_64&epoch=1&distro=debian-12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),
		cmocka_unit_test_setup_teardown(test_bom, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
