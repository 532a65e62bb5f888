/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/sshkey.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TIME        (60 * NSEC_PER_SEC)
#define PRIVATE_MAX 4096

void sshkey_remove(int dirfd, const char *name)
{
	char public[NAME_MAX + 1];

	snprintf(public, sizeof(public), "%s.pub", name);
	(void)!unlinkat(dirfd, name, 0);
	(void)!unlinkat(dirfd, public, 0);
}

static int generate(const char *path, const char *comment, struct err *e)
{
	const char *const argv[] = {
		"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path, NULL};
	/* Ours may have the keys of the account. */
	char *const env[] = {NULL};
	const struct proc_request r = {.argv = argv, .env = env, .deadline = clock_deadline(TIME)};
	auto_buf struct buf out = BUF_INIT(4096);
	int status = 0;
	int rc = proc_run(&r, &out, &status, e);

	if (rc == -ENOENT)
		return err_ctx(e, "no key can be made: install OpenSSH's client");
	if (rc == 0 && status != 0)
		return err_set(e, ERR_SYSTEM, EIO, "ssh-keygen cannot make '%s' (exit %d): %s",
			path, status, buf_str(&out));
	return rc;
}

static int read_private(struct sshkey *k, struct err *e)
{
	auto_secret_buf struct buf text = BUF_INIT(PRIVATE_MAX);
	int rc = buf_reserve(&text, PRIVATE_MAX - 1);

	if (rc < 0)
		return err_oom(e);
	rc = fs_read(AT_FDCWD, k->path, &text, e);
	if (rc == 0)
		secret_take(&k->private, &text);
	return rc;
}

int sshkey_make(const char *folder, const char *name, struct sshkey *ret, struct err *e)
{
	struct sshkey k = {0};
	char path[PATH_MAX + 4];
	int rc;

	if (snprintf(k.path, sizeof(k.path), "%s/%s", folder, name) >= (int)sizeof(k.path))
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "'%s' is too long", folder);
	/* ssh-keygen would ask whether to replace it. */
	if (fs_exists(AT_FDCWD, k.path))
		return err_set(e, ERR_SYSTEM, EEXIST, "there is a key '%s' already", k.path);
	rc = generate(k.path, name, e);
	if (rc == 0)
		rc = read_private(&k, e);
	snprintf(path, sizeof(path), "%s.pub", k.path);
	if (rc == 0)
		rc = fs_read_line(AT_FDCWD, path, k.public, sizeof(k.public), e);
	if (rc < 0)
		sshkey_free(&k);
	else
		*ret = k;
	return rc;
}

void sshkey_free(struct sshkey *k)
{
	secret_free(&k->private);
}
