/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"
#include "controller/machine/ssh_words.h"
#include "controller/shell.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* What sh makes of a command line that we have quoted. */
static void shell_prints(const char *line, const char *want)
{
	const char *const argv[] = {"sh", "-c", line, NULL};
	const struct proc_request r = {.argv = argv, .deadline = clock_deadline(30 * NSEC_PER_SEC)};
	auto_buf struct buf out = BUF_INIT(10000);
	struct err e = ERR_INIT;
	int status = -1;

	assert_int_equal(proc_run(&r, &out, &status, &e), 0);
	assert_string_equal(buf_str(&out), want);
}

static const char *const words[] = {"", "a", "a b", "'", "''", "it's", "$HOME", "`id`", "\\", "\\'",
	"a\nb", "\"", "*", "~", "-n", "!x", "a;b", "\t", "\303\244", "%s"};

static void test_quote(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		auto_buf struct buf line = BUF_INIT(1000), small = BUF_INIT(3);

		assert_int_equal(buf_adds(&line, "printf %s "), 0);
		assert_int_equal(shell_quote(&line, words[i]), 0);
		shell_prints(line.data, words[i]);
		assert_int_equal(shell_quote(&small, words[i]), strlen(words[i]) > 1 ? -EFBIG
								: *words[i] == '\''  ? -EFBIG
										     : 0);
	}
}

static void test_remote_command(void **state)
{
	auto_buf struct buf line = BUF_INIT(10000);

	(void)state;
	assert_int_equal(ssh_remote_command(&line, "echo it\\'s \"$1\" '$HOME' # %h"), 0);
	/* A sudo that is none, whoever runs this. */
	assert_non_null(strstr(line.data, "sudo -n"));
	assert_non_null(strstr(line.data, "env -i PATH=/usr/local/sbin:"));
	if (geteuid() == 0)
		shell_prints(line.data, "it's  $HOME\n");
}

static void test_parse(void **state)
{
	static const struct {
		const char *address, *user, *host;
		unsigned port;
	} cases[] = {
		{"h", NULL, "h", 0},
		{"ann@h", "ann", "h", 0},
		{"ann@h:22", "ann", "h", 22},
		{"h:65535", NULL, "h", 65535},
		{"10.0.0.1:2222", NULL, "10.0.0.1", 2222},
		{"::1", NULL, "::1", 0},
		{"ann@fe80::1", "ann", "fe80::1", 0},
		{"[::1]:22", NULL, "::1", 22},
		{"[::1]", NULL, "::1", 0},
		{"a@b@h", "a@b", "h", 0},
	};
	static const char *const bad[] = {
		"", "@h", "ann@", "h:", "h:0", "h:65536", "h:x", "[::1", "[::1]x", "[]:1", ":22"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text = NULL;
		struct ssh_hop h = {0};
		struct err e = ERR_INIT;

		assert_int_equal(ssh_hop_parse(cases[i].address, &h, &text, &e), 0);
		if (cases[i].user)
			assert_string_equal(h.user, cases[i].user);
		else
			assert_null(h.user);
		assert_string_equal(h.host, cases[i].host);
		assert_int_equal(h.port, cases[i].port);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *text = NULL;
		struct ssh_hop h = {0};
		struct err e = ERR_INIT;

		assert_int_equal(ssh_hop_parse(bad[i], &h, &text, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_null(text);
	}
}

static bool has(const struct ssh_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->word[i], word) == 0)
			return true;
	}
	return false;
}

static const struct ssh_hop pinned = {.user = "ec2-user",
	.host = "10.0.0.1",
	.port = 2222,
	.identity = "/k/a b%c",
	.known_hosts = "/k/known",
	.alias = "i-1"};

static void test_pinned(void **state)
{
	static const char *const wanted[] = {"none", "BatchMode=yes", "StrictHostKeyChecking=yes",
		"PasswordAuthentication=no", "IdentitiesOnly=yes", "IdentityAgent=none",
		"IdentityFile=\"/k/a b%%c\"", "UserKnownHostsFile=\"/k/known\"",
		"GlobalKnownHostsFile=none", "HostKeyAlias=i-1", "ControlMaster=yes",
		"ControlPath=\"/tmp/x/s\"", "ControlPersist=no", "ForwardAgent=no",
		"UpdateHostKeys=no", "ConnectTimeout=3", "2222", "ec2-user"};
	auto_ssh_words struct ssh_words w = {0};
	const struct ssh_options o = {.to = pinned, .timeout = 2 * NSEC_PER_SEC + 1};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ssh_master_words(&o, "/tmp/x/s", &w, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_true(has(&w, wanted[i]));
	assert_string_equal(w.word[w.n - 2], "--");
	assert_string_equal(w.word[w.n - 1], "10.0.0.1");
	assert_null(w.word[w.n]);
}

static void test_users_own(void **state)
{
	static const char *const unwanted[] = {
		"-F", "IdentitiesOnly=yes", "IdentityAgent=none", "GlobalKnownHostsFile=none"};
	const struct ssh_options o = {.to = {.host = "build", .config = ""}, .timeout = 1};
	const struct ssh_options named = {.to = {.host = "build", .config = "/c"}, .timeout = 1};
	auto_ssh_words struct ssh_words w = {0}, n = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ssh_master_words(&o, "/tmp/x/s", &w, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(unwanted); i++)
		assert_false(has(&w, unwanted[i]));
	assert_true(has(&w, "StrictHostKeyChecking=yes"));
	assert_int_equal(ssh_master_words(&named, "/tmp/x/s", &n, &e), 0);
	assert_string_equal(n.word[1], "-F");
	assert_string_equal(n.word[2], "/c");
}

static void test_jump(void **state)
{
	const struct ssh_hop bastion = {
		.host = "b", .identity = "/k/it's %h", .known_hosts = "/k/b", .port = 7};
	const struct ssh_options o = {.to = pinned, .jump = &bastion, .timeout = 1};
	auto_ssh_words struct ssh_words w = {0};
	const char *proxy = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ssh_master_words(&o, "/tmp/x/s", &w, &e), 0);
	for (size_t i = 0; i < w.n; i++) {
		if (strncmp(w.word[i], "ProxyCommand=", 13) == 0)
			proxy = w.word[i];
	}
	assert_non_null(proxy);
	/* % twice for each of two readers */
	assert_non_null(strstr(proxy, "'IdentityFile=\"/k/it'\\''s %%%%h\"'"));
	assert_non_null(strstr(proxy, "'StrictHostKeyChecking=yes'"));
	assert_non_null(strstr(proxy, " -W '[%h]:%p' -- 'b'"));
	assert_non_null(strstr(proxy, "'-p' '7'"));
}

static void test_refused(void **state)
{
	const struct ssh_hop bad[] = {
		{.host = "-oProxyCommand=x"},
		{.host = ""},
		{.host = "a b"},
		{.host = "a;b"},
		{.host = "h", .user = "-x"},
		{.host = "h", .user = "a b"},
		{.host = "h", .alias = "a\nProxyCommand x"},
		{.host = "h", .identity = "/a\"b"},
		{.host = "h", .known_hosts = "/a\nb"},
		{.host = "h", .known_hosts = "/${HOME}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct ssh_options to = {.to = bad[i], .timeout = 1};
		const struct ssh_options by = {.to = pinned, .jump = &bad[i], .timeout = 1};
		auto_ssh_words struct ssh_words w = {0}, j = {0};
		struct err e = ERR_INIT;

		assert_int_equal(ssh_master_words(&to, "/s", &w, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_int_equal(ssh_master_words(&by, "/s", &j, &e), -EINVAL);
	}
}

static void test_run_words(void **state)
{
	auto_ssh_words struct ssh_words w = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ssh_run_words("/tmp/x/s", "-x", &w, &e), 0);
	assert_true(has(&w, "ControlPath=\"/tmp/x/s\""));
	assert_true(has(&w, "ProxyCommand=exit 255"));
	assert_true(has(&w, "ControlMaster=no"));
	assert_string_equal(w.word[w.n - 3], "--");
	assert_string_equal(w.word[w.n - 1], "-x");
}

static void test_environment(void **state)
{
	static const struct {
		const char *text;
		bool ours, users;
	} cases[] = {
		{"PATH=/bin", true, true},
		{"HOME=/h", true, true},
		{"HOMES=/h", false, true},
		{"SSH_AUTH_SOCK=/s", false, true},
		{"AWS_SECRET_ACCESS_KEY=x", false, true},
		{"LC_ALL=C", false, false},
		{"LANG=C", false, false},
		{"DISPLAY=:0", false, false},
		{"SSH_ASKPASS=x", false, false},
		{"SHELL=/bin/csh", false, false},
		{"TERM=x", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ssh_keeps_variable(cases[i].text, false), cases[i].ours);
		assert_int_equal(ssh_keeps_variable(cases[i].text, true), cases[i].users);
	}
}

static void test_classify(void **state)
{
	static const struct {
		const char *printed;
		enum ssh_fault fault;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{"ssh: connect to host h port 22: Connection refused\r\n", SSH_FAULT_LATER,
			ERR_TRANSIENT, "Connection refused"},
		{"ssh: connect to host h port 22: Connection timed out\r\n", SSH_FAULT_LATER,
			ERR_TRANSIENT, "timed out"},
		{"ssh: connect to host h port 22: No route to host\r\n", SSH_FAULT_LATER,
			ERR_TRANSIENT, "No route"},
		{"kex_exchange_identification: Connection closed by remote host\n"
		 "Connection closed by 10.0.0.1 port 22\n",
			SSH_FAULT_LATER, ERR_TRANSIENT, "closed by 10.0.0.1"},
		{"", SSH_FAULT_LATER, ERR_TRANSIENT, "the connection ended"},
		{"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nIT IS\n"
		 "Host key for h has changed and you have requested strict checking.\n"
		 "Host key verification failed.\n",
			SSH_FAULT_FINAL, ERR_REMOTE, "not the one that is known"},
		{"No ED25519 host key is known for [h]:22 and you have requested strict "
		 "checking.\nHost key verification failed.\n",
			SSH_FAULT_FINAL, ERR_REMOTE, "is not known"},
		{"h: Permission denied (publickey).\n", SSH_FAULT_LOGIN, ERR_REMOTE, "the key"},
		{"Received disconnect from h port 22:2: Too many authentication failures\n",
			SSH_FAULT_LOGIN, ERR_REMOTE, "IdentityFile"},
		{"ssh: Could not resolve hostname h: Name or service not known\n", SSH_FAULT_FINAL,
			ERR_REMOTE, "address"},
		{"ssh: Could not resolve hostname h: Temporary failure in name resolution\n",
			SSH_FAULT_LATER, ERR_TRANSIENT, "at the moment"},
		{"/c: line 1: Bad configuration option: x\n/c: terminating, 1 bad configuration "
		 "options\n",
			SSH_FAULT_FINAL, ERR_CONFIG, "configuration"},
		{"Can't open user config file /c: No such file or directory\n", SSH_FAULT_FINAL,
			ERR_CONFIG, "path"},
		{"cannot run 'ssh': No such file or directory\n", SSH_FAULT_FINAL, ERR_SYSTEM,
			"install"},
		{"a \033[31mred\n", SSH_FAULT_LATER, ERR_TRANSIENT, "a ?[31mred"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(ssh_classify("h", cases[i].printed, &e), cases[i].fault);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_not_equal(e.num, 0);
		assert_non_null(strstr(e.msg, "ssh to 'h': "));
		assert_non_null(strstr(e.msg, cases[i].says));
		assert_null(strchr(e.msg, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_remote_command),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_users_own),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_run_words),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_classify),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
