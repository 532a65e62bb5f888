/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ssh_words.h"

#include "common/num.h"
#include "controller/shell.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES 131072 /* of a command line; Linux takes no longer word */

/* Nobody is asked, nothing but the pinned key is believed, nothing of ours is forwarded. */
static const char *const always[] = {
	"BatchMode=yes",
	"StrictHostKeyChecking=yes",
	"UpdateHostKeys=no",
	"VerifyHostKeyDNS=no",
	"PasswordAuthentication=no",
	"KbdInteractiveAuthentication=no",
	"ForwardAgent=no",
	"ForwardX11=no",
	"Tunnel=no",
	"PermitLocalCommand=no",
	"ConnectionAttempts=1",
	"ServerAliveInterval=15",
	"ServerAliveCountMax=3",
	"LogLevel=ERROR",
	"RemoteCommand=none",
	"RequestTTY=no",
	"EscapeChar=none",
	"ControlPersist=no",
};

static int add(struct ssh_words *w, const char *text, struct err *e)
{
	if (w->n == SSH_WORDS)
		return err_set(e, ERR_BUG, E2BIG, "ssh: too many words");
	w->word[w->n] = strdup(text);
	return w->word[w->n++] ? 0 : err_oom(e);
}

static int add_two(struct ssh_words *w, const char *a, const char *b, struct err *e)
{
	int rc = add(w, a, e);

	return rc < 0 ? rc : add(w, b, e);
}

void ssh_words_free(struct ssh_words *w)
{
	while (w->n > 0)
		free(w->word[--w->n]);
}

static int full(int rc, struct err *e)
{
	return rc == -EFBIG ? err_set(e, ERR_CONFIG, EFBIG, "ssh: a value is too long")
			    : err_oom(e);
}

/* A file's name as ssh_config(5) takes it: quoted, and % means something. */
static int add_path(struct ssh_words *w, const char *key, const char *path, struct err *e)
{
	auto_buf struct buf b = BUF_INIT(LINE_MAX_BYTES);
	int rc = buf_addf(&b, "%s=\"", key);

	for (const char *p = path; *p && rc == 0; p++) {
		if (iscntrl((unsigned char)*p) || strchr("\"\\", *p) || strncmp(p, "${", 2) == 0)
			return err_set(e, ERR_CONFIG, EINVAL,
				"ssh cannot be told of the file '%s': rename it", path);
		rc = *p == '%' ? buf_adds(&b, "%%") : buf_add(&b, p, 1);
	}
	if (rc == 0)
		rc = buf_adds(&b, "\"");
	return rc < 0 ? full(rc, e) : add_two(w, "-o", b.data, e);
}

static int check_name(const char *what, const char *name, struct err *e)
{
	bool bad = *name == '\0' || *name == '-';

	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-:@+", *p))
			bad = true;
	}
	if (bad)
		return err_set(
			e, ERR_CONFIG, EINVAL, "'%s' is not a name of a %s for ssh", name, what);
	return 0;
}

static int add_keys(struct ssh_words *w, const struct ssh_hop *h, struct err *e)
{
	int rc = 0;

	if (h->identity) {
		rc = add_path(w, "IdentityFile", h->identity, e);
		if (rc == 0)
			rc = add_two(w, "-o", "IdentitiesOnly=yes", e);
		if (rc == 0)
			rc = add_two(w, "-o", "IdentityAgent=none", e);
	}
	if (rc == 0 && h->known_hosts) {
		rc = add_path(w, "UserKnownHostsFile", h->known_hosts, e);
		if (rc == 0)
			rc = add_two(w, "-o", "GlobalKnownHostsFile=none", e);
	}
	if (rc == 0 && h->alias) {
		char option[320];

		rc = check_name("host", h->alias, e);
		snprintf(option, sizeof(option), "HostKeyAlias=%s", h->alias);
		if (rc == 0)
			rc = add_two(w, "-o", option, e);
	}
	return rc;
}

/* All but what is to be done there. */
static int add_hop(struct ssh_words *w, const struct ssh_hop *h, uint64_t timeout, struct err *e)
{
	char option[64];
	int rc = add(w, "ssh", e);

	if (rc == 0 && (!h->config || *h->config))
		rc = add_two(w, "-F", h->config ? h->config : "none", e);
	for (size_t i = 0; i < ARRAY_LEN(always) && rc == 0; i++)
		rc = add_two(w, "-o", always[i], e);
	snprintf(option, sizeof(option), "ConnectTimeout=%" PRIu64,
		(uint64_t)((timeout + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	if (rc == 0)
		rc = add_two(w, "-o", option, e);
	if (rc == 0)
		rc = add_keys(w, h, e);
	if (rc == 0 && h->user)
		rc = check_name("user", h->user, e);
	if (rc == 0 && h->user)
		rc = add_two(w, "-l", h->user, e);
	snprintf(option, sizeof(option), "%u", h->port);
	if (rc == 0 && h->port)
		rc = add_two(w, "-p", option, e);
	return rc < 0 ? rc : check_name("host", h->host, e);
}

static int add_host(struct ssh_words *w, const struct ssh_hop *h, struct err *e)
{
	return add_two(w, "--", h->host, e);
}

/* Of sh, after ssh has replaced what % means to it. */
static int add_word(struct buf *line, const char *word)
{
	auto_buf struct buf quoted = BUF_INIT(LINE_MAX_BYTES);
	int rc = shell_quote(&quoted, word);

	for (const char *p = buf_str(&quoted); *p && rc == 0; p++)
		rc = *p == '%' ? buf_adds(line, "%%") : buf_add(line, p, 1);
	return rc < 0 ? rc : buf_adds(line, " ");
}

/* ProxyJump cannot say which keys are for the bastion. */
static int add_proxy(struct ssh_words *w, const struct ssh_options *o, struct err *e)
{
	auto_ssh_words struct ssh_words proxy = {0};
	auto_buf struct buf line = BUF_INIT(LINE_MAX_BYTES);
	int rc = add_hop(&proxy, o->jump, o->timeout, e);

	if (rc == 0)
		rc = add_two(&proxy, "-o", "ControlPath=none", e);
	if (rc < 0)
		return rc;
	rc = buf_adds(&line, "ProxyCommand=");
	for (size_t i = 0; i < proxy.n && rc == 0; i++)
		rc = add_word(&line, proxy.word[i]);
	if (rc == 0)
		rc = buf_adds(&line, "-W '[%h]:%p' -- ");
	if (rc == 0)
		rc = add_word(&line, o->jump->host);
	return rc < 0 ? full(rc, e) : add_two(w, "-o", line.data, e);
}

int ssh_master_words(
	const struct ssh_options *o, const char *socket, struct ssh_words *ret, struct err *e)
{
	static const char *const options[] = {
		"-N", "-T", "-o", "ControlMaster=yes", "-o", "ClearAllForwardings=yes"};
	int rc = add_hop(ret, &o->to, o->timeout, e);

	for (size_t i = 0; i < ARRAY_LEN(options) && rc == 0; i++)
		rc = add(ret, options[i], e);
	if (rc == 0)
		rc = add_path(ret, "ControlPath", socket, e);
	if (rc == 0 && o->jump)
		rc = add_proxy(ret, o, e);
	return rc < 0 ? rc : add_host(ret, &o->to, e);
}

int ssh_run_words(const char *socket, const char *command, struct ssh_words *ret, struct err *e)
{
	/* Without the master's socket ssh would go there itself: it is given a way that fails. */
	static const char *const options[] = {"ssh", "-F", "none", "-T", "-o", "ControlMaster=no",
		"-o", "ProxyCommand=exit 255", "-o", "BatchMode=yes", "-o", "EscapeChar=none", "-o",
		"LogLevel=ERROR"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(options) && rc == 0; i++)
		rc = add(ret, options[i], e);
	if (rc == 0)
		rc = add_path(ret, "ControlPath", socket, e);
	/* The host is the master's, whatever is named. */
	if (rc == 0)
		rc = add_two(ret, "--", "machine", e);
	return rc < 0 ? rc : add(ret, command, e);
}
