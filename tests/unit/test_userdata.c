/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/userdata.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "common/proc.h"
#include "controller/machine/sshkey.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define HEAD   "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define PUBLIC "ssh-ed25519 AAAA worker"

static int make(
	const char *private, const char *host, const char *login, struct secret *ret, struct err *e)
{
	auto_secret struct secret key = {0};
	const struct userdata u = {.host_key = &key,
		.host_public = host,
		.login_public = login,
		.run = "01890000-0000-7000-8000-000000000001",
		.lifetime = 3600 * NSEC_PER_SEC};

	assert_int_equal(secret_set(&key, private, strlen(private), e), 0);
	return userdata_make(&u, ret, e);
}

/* What another reader of YAML finds: the values, and no other key. */
static const char reader[] =
	"import sys, yaml\n"
	"t = open(sys.argv[1]).read()\n"
	"assert t.startswith('#cloud-config\\n') and len(t) < 16384\n"
	"d = yaml.safe_load(t)\n"
	"assert sorted(d) == ['bootcmd', 'ssh_authorized_keys', 'ssh_deletekeys', "
	"'ssh_genkeytypes', 'ssh_keys'], d\n"
	"assert d['ssh_deletekeys'] is True and len(d['bootcmd']) == 1\n"
	"assert sorted(d['ssh_keys']) == ['ed25519_private', 'ed25519_public']\n"
	"print(d['bootcmd'][0], end='\\0')\n"
	"print(d['ssh_keys']['ed25519_private'], end='\\0')\n"
	"print(d['ssh_keys']['ed25519_public'], end='\\0')\n"
	"print(*d['ssh_authorized_keys'], end='\\0')\n";

static void read_back(const struct scratch *t, const struct secret *data, struct buf *out)
{
	char path[128];
	const char *const argv[] = {"python3", "-c", reader, path, NULL};
	const struct proc_request r = {.argv = argv, .deadline = clock_deadline(60 * NSEC_PER_SEC)};
	struct err e = ERR_INIT;
	int status = -1;

	snprintf(path, sizeof(path), "%s/data", t->path);
	scratch_write(t, "data", secret_reveal(data));
	assert_int_equal(proc_run(&r, out, &status, &e), 0);
	assert_int_equal(status, 0);
}

static const char *next(const char *text)
{
	return text + strlen(text) + 1;
}

static void test_values(void **state)
{
	static const struct {
		const char *private, *host, *login;
	} cases[] = {
		{HEAD "b3Blbn\n-----END OPENSSH PRIVATE KEY-----\n", PUBLIC, PUBLIC},
		/* what would end a value, or begin another */
		{HEAD "\"\nruncmd: [reboot]\n", "ssh-ed25519 A \"]}", "ssh-ed25519 A # x: y"},
		{HEAD "\\\n\\n\"\\", "ssh-ed25519 A \\", "ssh-ed25519 A \\\", \"x\": \""},
		{HEAD "%YAML\n---\n...\n", "ssh-ed25519 A & * !x | > ' `", "ssh-ed25519 {{ v }}"},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_secret struct secret data = {0};
		auto_buf struct buf out = BUF_INIT(100000);
		struct err e = ERR_INIT;
		const char *p;

		assert_int_equal(
			make(cases[i].private, cases[i].host, cases[i].login, &data, &e), 0);
		read_back(t, &data, &out);
		p = next(buf_str(&out));
		assert_string_equal(p, cases[i].private);
		p = next(p);
		assert_string_equal(p, cases[i].host);
		p = next(p);
		assert_string_equal(p, cases[i].login);
	}
}

static void test_switch(void **state)
{
	auto_secret struct secret data = {0};
	auto_buf struct buf out = BUF_INIT(100000);
	struct err e = ERR_INIT;

	assert_int_equal(make(HEAD, PUBLIC, PUBLIC, &data, &e), 0);
	read_back(*state, &data, &out);
	assert_non_null(strstr(out.data, "OnActiveSec=3600s\\n"));
	assert_non_null(strstr(out.data, "systemctl --no-block start shared-prep-lifetime.timer"));
	assert_non_null(strstr(
		out.data, "echo 01890000-0000-7000-8000-000000000001 >/run/shared-prep-worker\n"));
	assert_non_null(strstr(USERDATA_REARM, "shared-prep-lifetime.timer"));
}

static void test_refused(void **state)
{
	static char huge[20000];
	const struct {
		const char *private, *host, *login;
		int rc;
	} cases[] = {
		{"PRIVATE", PUBLIC, PUBLIC, -EINVAL},
		{HEAD, "ssh-rsa AAAA", PUBLIC, -EINVAL},
		{HEAD, PUBLIC, "", -EINVAL},
		{HEAD, PUBLIC, PUBLIC "\nssh-ed25519 B", -EINVAL},
		{HEAD, PUBLIC, PUBLIC "\r", -EINVAL},
		{HEAD "\033", PUBLIC, PUBLIC, -EINVAL},
		{HEAD "\303\244", PUBLIC, PUBLIC, -EINVAL},
		{huge, PUBLIC, PUBLIC, -EFBIG},
	};

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	memcpy(huge, HEAD, strlen(HEAD));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_secret struct secret data = {0};
		struct err e = ERR_INIT;

		assert_int_equal(make(cases[i].private, cases[i].host, cases[i].login, &data, &e),
			cases[i].rc);
		assert_int_equal(e.kind, ERR_DATA);
		assert_null(strstr(e.msg, "AAAA"));
		assert_false(secret_is_set(&data));
	}
}

static void test_key(void **state)
{
	const struct scratch *t = *state;
	auto_secret struct secret data = {0};
	auto_buf struct buf out = BUF_INIT(100000);
	struct sshkey k = {0}, again = {0};
	struct err e = ERR_INIT;

	assert_int_equal(sshkey_make(t->path, "worker-1", &k, &e), 0);
	assert_int_equal(scratch_mode(t, "worker-1") & 0777, 0600);
	assert_memory_equal(secret_reveal(&k.private), HEAD, strlen(HEAD));
	assert_memory_equal(k.public, "ssh-ed25519 ", 12);
	assert_string_equal(k.public + strlen(k.public) - 9, " worker-1");
	assert_int_equal(make(secret_reveal(&k.private), k.public, k.public, &data, &e), 0);
	read_back(t, &data, &out);
	assert_string_equal(next(out.data), secret_reveal(&k.private));

	assert_int_equal(sshkey_make(t->path, "worker-1", &again, &e), -EEXIST);
	assert_int_equal(sshkey_make("/proc", "k", &again, &e), -EIO);
	assert_int_equal(e.kind, ERR_SYSTEM);
	sshkey_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_switch, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test_setup_teardown(test_key, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
