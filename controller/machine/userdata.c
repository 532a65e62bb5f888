/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dead-man's switch is a timer of systemd's: it needs nothing but PID 1, counts without the
 * clock being right, and a restart arms it anew. `shutdown -P +MINUTES` hands over to another
 * service: systemd-shutdownd (Amazon Linux 2, systemd 219) or logind (Amazon Linux 2023); when that
 * does not answer, as early in the boot, 219 powers off at once, and 252 leaves it at a message.
 *
 * It is in bootcmd, the first that cloud-init does, at each boot: whatever fails later, the worker
 * ends. --no-block, as the boot that we are part of may be what the timer waits for. The power is
 * taken with --force, past services that would not stop; that ends the instance because its
 * shutdown behaviour is terminate.
 */
#include "controller/machine/userdata.h"

#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UNIT "/run/systemd/system/shared-prep-lifetime"

/* A double-quoted scalar of YAML; what is not ASCII is in no key. */
static int quote(struct buf *b, const char *text)
{
	int rc = buf_adds(b, "\"");

	for (const char *p = text; *p && rc == 0; p++) {
		if (*p == '\n')
			rc = buf_adds(b, "\\n");
		else if (*p < ' ' || *p > '~')
			rc = -EINVAL;
		else if (*p == '"' || *p == '\\')
			rc = buf_addf(b, "\\%c", *p);
		else
			rc = buf_add(b, p, 1);
	}
	return rc < 0 ? rc : buf_adds(b, "\"");
}

static int add_value(struct buf *b, const char *before, const char *value)
{
	int rc = buf_adds(b, before);

	if (rc == 0)
		rc = quote(b, value);
	return rc < 0 ? rc : buf_adds(b, "\n");
}

static int add_switch(struct buf *b, const struct userdata *u)
{
	char script[1024];

	snprintf(script, sizeof(script),
		"mkdir -p /run/systemd/system\n"
		"echo %s >" USERDATA_MARKER "\n"
		"printf '[Timer]\\nOnActiveSec=%" PRIu64 "s\\nAccuracySec=1s\\n' >" UNIT ".timer\n"
		"printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\nType=oneshot\\n"
		"ExecStart=/usr/bin/systemctl --force poweroff\\n' >" UNIT ".service\n"
		"systemctl daemon-reload\n"
		"systemctl --no-block start shared-prep-lifetime.timer\n",
		u->run, (uint64_t)(u->lifetime / NSEC_PER_SEC));
	return add_value(b, "bootcmd:\n- ", script);
}

/* One line, of the type that we make. */
static bool is_public(const char *line)
{
	return strncmp(line, "ssh-ed25519 ", 12) == 0 && !strchr(line, '\n');
}

static int check(const struct userdata *u, struct err *e)
{
	if (!is_public(u->host_public) || !is_public(u->login_public))
		return err_set(e, ERR_DATA, EINVAL, "user data: not a public key of ed25519");
	if (strncmp(secret_reveal(u->host_key), "-----BEGIN OPENSSH PRIVATE KEY-----\n", 36) != 0)
		return err_set(e, ERR_DATA, EINVAL, "user data: not a private key of OpenSSH");
	if (!*u->run || strspn(u->run, "0123456789abcdef-") != strlen(u->run))
		return err_set(e, ERR_DATA, EINVAL, "user data: '%.40s' is no id of a run", u->run);
	if (u->lifetime < 60 * NSEC_PER_SEC)
		return err_set(e, ERR_DATA, EINVAL, "user data: a lifetime of under a minute");
	return 0;
}

static int write_all(const struct userdata *u, struct buf *b)
{
	int rc = buf_adds(b, "#cloud-config\n");

	if (rc == 0)
		rc = add_switch(b, u);
	/* No other host key that the image may have is left, or made. */
	if (rc == 0)
		rc = buf_adds(b, "ssh_deletekeys: true\nssh_genkeytypes: []\nssh_keys:\n");
	if (rc == 0)
		rc = add_value(b, "  ed25519_private: ", secret_reveal(u->host_key));
	if (rc == 0)
		rc = add_value(b, "  ed25519_public: ", u->host_public);
	return rc < 0 ? rc : add_value(b, "ssh_authorized_keys:\n- ", u->login_public);
}

int userdata_make(const struct userdata *u, struct secret *ret, struct err *e)
{
	auto_secret_buf struct buf b = BUF_INIT(USERDATA_MAX);
	int rc = check(u, e);

	if (rc < 0)
		return rc;
	if (buf_reserve(&b, USERDATA_MAX - 1) < 0)
		return err_oom(e);
	rc = write_all(u, &b);
	if (rc == -EINVAL)
		return err_set(e, ERR_DATA, EINVAL, "user data: a key that is not text");
	if (rc == -EFBIG)
		return err_set(e, ERR_DATA, EFBIG, "user data: a key that is too long");
	if (rc < 0)
		return err_oom(e);
	secret_take(ret, &b);
	return 0;
}
