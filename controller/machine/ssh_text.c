/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ssh_words.h"

#include "common/num.h"
#include "controller/shell.h"

#include <errno.h>
#include <string.h>

/*
 * Read from the outside in: sh by name, as the login shell may be another, with sshd as its parent
 * and a process group of its own; root, as whom what is root needs no sudo; a loop that ends the
 * whole group when sshd has ended, as sshd itself ends nobody; the command, in a sh of its own, so
 * that a signal's end is a code, of which sshd tells nothing.
 */
static const char before[] =
	"s=; [ \"$(id -u)\" = 0 ] || s='sudo -n'; exec $s env -i "
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "
	"/bin/sh -c 'cd; unset OLDPWD; "
	"(trap \"kill \\$p; exit\" TERM; "
	"while kill -0 \"$2\"; do sleep 5 & p=$!; wait $p; done; kill -KILL -- \"-$3\") "
	"</dev/null >/dev/null 2>&1 & "
	"/bin/sh -c \"$1\"; s=$?; exec 2>/dev/null; kill $!; exit $s' sh ";
static const char after[] = " \"$PPID\" \"$$\"";

int ssh_remote_command(struct buf *out, const char *shell)
{
	auto_buf struct buf script = BUF_INIT(out->max);
	int rc = buf_adds(&script, before);

	if (rc == 0)
		rc = shell_quote(&script, shell);
	if (rc == 0)
		rc = buf_adds(&script, after);
	if (rc == 0)
		rc = buf_adds(out, "exec /bin/sh -c ");
	return rc < 0 ? rc : shell_quote(out, buf_str(&script));
}

static int bad_address(const char *address, struct err *e)
{
	return err_set(
		e, ERR_CONFIG, EINVAL, "'%s' is not an address: [USER@]HOST[:PORT]", address);
}

int ssh_hop_parse(const char *address, struct ssh_hop *ret, char **ret_text, struct err *e)
{
	auto_free char *text = strdup(address);
	struct err ignored = ERR_INIT;
	struct ssh_hop h = {0};
	char *host, *colon, *end;
	uint64_t port = 0;

	if (!text)
		return err_oom(e);
	host = strrchr(text, '@');
	if (host) {
		*host++ = '\0';
		h.user = text;
		if (!*text)
			return bad_address(address, e);
	} else {
		host = text;
	}
	colon = strchr(host, ':');
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad_address(address, e);
		*end = '\0';
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL; /* of an IPv6 address */
	}
	if (colon) {
		*colon = '\0';
		if (num_u64(colon + 1, 1, 65535, &port, &ignored) < 0)
			return bad_address(address, e);
	}
	if (!*host)
		return bad_address(address, e);
	h.host = host;
	h.port = (unsigned)port;
	*ret = h;
	*ret_text = take_ptr(text);
	return 0;
}

static bool is_variable(const char *text, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t len = strlen(names[i]);

		if (strncmp(text, names[i], len) == 0 &&
			(text[len] == '=' || names[i][len - 1] == '_'))
			return true;
	}
	return false;
}

bool ssh_keeps_variable(const char *text, bool config)
{
	static const char *const basic[] = {"PATH", "HOME", "USER", "LOGNAME", "TMPDIR"};
	/* What could be sent there or opened here, or change the words that we look for; SHELL
	 * reads our quoting. */
	static const char *const never[] = {"LC_", "LANG", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY",
		"SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SHELL", "TERM"};

	return config ? !is_variable(text, never, ARRAY_LEN(never))
		      : is_variable(text, basic, ARRAY_LEN(basic));
}

/* The words of OpenSSH 7.4 to 10, the first that is found decides. */
static const struct {
	const char *words;
	enum ssh_fault fault;
	enum err_kind kind;
	int num;
	const char *hint;
} faults[] = {
	{"IDENTIFICATION HAS CHANGED", SSH_FAULT_FINAL, ERR_REMOTE, EACCES,
		"its host key is not the one that is known: somebody may be in between, or it was "
		"made anew; if you know that it was, remove the old key from known_hosts"},
	{"host key is known for", SSH_FAULT_FINAL, ERR_REMOTE, EACCES,
		"its host key is not known: check it, and add it to known_hosts (log in there once "
		"by hand)"},
	{"Host key verification failed", SSH_FAULT_FINAL, ERR_REMOTE, EACCES,
		"its host key is not the one that is known: check known_hosts"},
	{"REVOKED HOST KEY", SSH_FAULT_FINAL, ERR_REMOTE, EACCES, "its host key is revoked"},
	{"no matching host key type", SSH_FAULT_FINAL, ERR_REMOTE, EACCES,
		"it offers no host key of a kind that is known"},
	{"cannot run 'ssh'", SSH_FAULT_FINAL, ERR_SYSTEM, ENOENT, "install OpenSSH's client"},
	{"Bad configuration option", SSH_FAULT_FINAL, ERR_CONFIG, EINVAL,
		"correct the ssh configuration"},
	{"Bad owner or permissions", SSH_FAULT_FINAL, ERR_CONFIG, EACCES,
		"nobody else may write to the ssh configuration"},
	{"Can't open user config", SSH_FAULT_FINAL, ERR_CONFIG, ENOENT,
		"is the path of the ssh configuration right?"},
	{"terminating,", SSH_FAULT_FINAL, ERR_CONFIG, EINVAL, "correct the ssh configuration"},
	{"Permission denied (", SSH_FAULT_LOGIN, ERR_REMOTE, EACCES,
		"it does not take the key: are user and key right?"},
	{"Too many authentication failures", SSH_FAULT_LOGIN, ERR_REMOTE, EACCES,
		"it takes none of the keys: name one (IdentityFile)"},
	{"Temporary failure in name resolution", SSH_FAULT_LATER, ERR_TRANSIENT, EAGAIN,
		"its name is not found at the moment"},
	{"Could not resolve hostname", SSH_FAULT_FINAL, ERR_REMOTE, ENOENT,
		"its name is not found: is the address right?"},
};

/* Of several, what ssh says last is what ended it. */
static void last_line(const char *printed, char *out, size_t size)
{
	const char *p = printed;

	*out = '\0';
	while (*p) {
		const int len = (int)strcspn(p, "\r\n");

		if (len > 0)
			snprintf(out, size, "%.*s", len, p);
		p += len;
		p += strspn(p, "\r\n");
	}
	for (char *c = out; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
}

enum ssh_fault ssh_classify(const char *host, const char *printed, struct err *e)
{
	char line[200];

	last_line(printed, line, sizeof(line));
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (!strstr(printed, faults[i].words))
			continue;
		(void)err_set(e, faults[i].kind, faults[i].num, "ssh to '%s': %s (%s)", host,
			faults[i].hint, line);
		return faults[i].fault;
	}
	(void)err_set(e, ERR_TRANSIENT, ENOTCONN, "ssh to '%s': %s", host,
		*line ? line : "the connection ended");
	return SSH_FAULT_LATER;
}
