/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/prove.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/build/dist.h"
#include "controller/image/image_show.h"
#include "controller/image/prove_ami.h"
#include "controller/image/prove_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool prove_is_ami(const char *image)
{
	return strncmp(image, "ami-", strlen("ami-")) == 0 && !strchr(image, '.') &&
	       !strchr(image, '/');
}

/* Who tells of an AMI that is promoted. */
static const char *teller(const struct project *p)
{
	return *p->image.parameter ? p->image.parameter : "tag " PROVE_PROMOTED;
}

static int on_file(const struct prove *p, struct image_show *shown, struct proved *v, struct err *e)
{
	int rc = prove_file(
		&(struct prove_file){
			.project = p->project,
			.file = p->image,
			.type = p->type,
			.memory = p->memory,
			.cpus = p->cpus,
			.timeout = p->timeout,
			.promote = p->promote,
			.say = image_show_say,
			.ctx = shown,
		},
		&v->results, v->promoted, e);

	if (rc < 0 || !p->promote || !*p->ami)
		return rc;
	rc = prove_ami_promote(p->project, p->ami, p->debug_http, e);
	if (rc == 0)
		v->promoted_ami = teller(p->project);
	return rc;
}

/* DIST/images/AMI.test.log */
static int open_log(const struct prove *p, int *ret, struct err *e)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int rc = dist_images_make(p->project->dist, dir, e);

	if (rc < 0)
		return rc;
	if (snprintf(path, sizeof(path), "%s/%.40s.test.log", dir, p->image) >= (int)sizeof(path))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", dir);
	return fs_open(
		AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0644, ret, e);
}

static int on_ec2(const struct prove *p, struct image_show *shown, struct proved *v, struct err *e)
{
	auto_close int log = -1;
	int rc;

	if (!p->project)
		return err_set(e, ERR_USAGE, EINVAL,
			"'%s' needs --project, which says where it is started", p->image);
	if ((rc = open_log(p, &log, e)) < 0)
		return rc;
	rc = prove_ami(
		&(struct prove_ami){
			.project = p->project,
			.ami = p->image,
			.timeout = p->timeout,
			.promote = p->promote,
			.debug_http = p->debug_http,
			.log = log,
			.say = image_show_say,
			.ctx = shown,
		},
		&v->results, e);
	if (rc == 0 && p->promote)
		snprintf(v->promoted, sizeof(v->promoted), "%s", teller(p->project));
	return rc;
}

int prove_image(const struct prove *p, struct proved *ret, struct err *e)
{
	struct image_show shown = {.show = p->show};
	const uint64_t began = clock_now();
	int rc;

	*ret = (struct proved){.image = p->image};
	rc = prove_is_ami(p->image) ? on_ec2(p, &shown, ret, e) : on_file(p, &shown, ret, e);
	show_end(p->show, rc < 0);
	ret->took = clock_now() - began;
	ret->ok = rc == 0;
	return rc;
}

json_t *proved_json(const struct proved *v)
{
	json_t *promoted = *v->promoted ? json_string_lossy(v->promoted) : json_null();

	return json_pack("{s:o, s:b, s:f, s:o, s:s*, s:o}", "image", json_string_lossy(v->image),
		"ok", v->ok, "seconds", (double)v->took / (double)NSEC_PER_SEC, "promoted",
		promoted, "promoted_ami", v->promoted_ami, "checks", image_test_json(&v->results));
}
