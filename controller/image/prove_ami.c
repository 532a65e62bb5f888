/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/prove_ami.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ssm.h"
#include "controller/machine/hire.h"

#include <errno.h>
#include <string.h>

struct proof {
	const struct prove_ami *p;
	struct project worker; /* a view of the project, whose base is the image */
	struct run run;
	struct supply supply;
};

/* What gc will remove is to be found by nobody. */
static int check_stays(const struct proof *t, const struct ec2_image *image, struct err *e)
{
	if (!t->p->promote || !ec2_tags_get(&image->tags, RESOURCE_RUN) ||
		ec2_tags_get(&image->tags, RESOURCE_KEEP))
		return 0;
	return err_set(e, ERR_USAGE, EPERM,
		"'%s' is not finished, and 'controller gc' removes it: bake it again before it is "
		"promoted",
		t->p->ami);
}

static int find_arch(struct proof *t, char ret[static 16], struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_select which = {.ids = (const char *const[]){t->p->ami, NULL},
		.deadline = clock_deadline(SITE_TIME)};
	int rc = ec2_images(&t->supply.cloud.client, &which, &list, e);

	if (rc == 0 && list.n != 1)
		return err_set(e, ERR_REMOTE, ENOENT, "there is no image '%s'", t->p->ami);
	if (rc < 0)
		return rc;
	snprintf(ret, 16, "%s", arch_of_ec2(list.item[0].arch));
	return check_stays(t, &list.item[0], e);
}

static int test_it(struct proof *t, struct image_results *ret, struct err *e)
{
	auto_hired struct hired hired = {0};
	char arch[16];
	int rc;

	if ((rc = find_arch(t, arch, e)) < 0 || (rc = hire_one(&t->supply, arch, &hired, e)) < 0 ||
		(rc = machine_start(hired.machine, e)) < 0)
		return rc;
	return image_test_run(
		&(struct image_test){
			.machine = hired.machine,
			.check = t->p->project->image.check,
			.deadline = clock_deadline(t->p->timeout),
			.log = t->p->log,
			.say = t->p->say,
			.ctx = t->p->ctx,
		},
		ret, e);
}

static int promote(struct call_client *c, const struct project *p, const char *ami, struct err *e)
{
	const char *parameter = p->image.parameter;
	const char *ids[] = {ami, NULL};
	char now[DATE_TEXT];
	struct ec2_tag tag = {PROVE_PROMOTED, date_text(date_now(), now)};
	int rc = ec2_tags_set(c, ids, &(struct ec2_tags){&tag, 1}, clock_deadline(SITE_TIME), e);

	if (rc < 0 || !*parameter)
		return rc < 0 ? rc : 0;
	return ssm_parameter_put(c,
		&(struct ssm_put){.name = parameter,
			.value = ami,
			.description = "The newest image that has passed its test",
			.image = true,
			.deadline = clock_deadline(SITE_TIME)},
		e);
}

int prove_ami_promote(const struct project *p, const char *ami, bool debug_http, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	int rc = cloud_open(&(struct cloud_options){.profile = p->aws.profile,
				    .region = p->aws.region,
				    .debug_http = debug_http},
		&cloud, e);

	return rc < 0 ? rc : promote(&cloud.client, p, ami, e);
}

int prove_ami(const struct prove_ami *p, struct image_results *ret, struct err *e)
{
	struct proof t = {.p = p, .worker = *p->project, .run = RUN_INIT};
	struct err left = ERR_INIT;
	char base[EC2_ID_MAX];
	int rc;

	ret->n = 0;
	snprintf(base, sizeof(base), "%s", p->ami);
	t.worker.aws.base = base;
	rc = run_begin("test", p->project, &t.run, e);
	if (rc < 0)
		return rc;
	rc = supply_open(&t.worker, &t.run, p->debug_http, &t.supply, e);
	if (rc == 0)
		rc = test_it(&t, ret, e);
	if (rc == 0 && p->promote)
		rc = promote(&t.supply.cloud.client, p->project, p->ami, e);
	if (hire_clear(&t.supply, &t.run, &left) < 0) {
		log_warning("%s", left.msg);
		if (rc == 0) {
			*e = left;
			rc = -left.num;
		}
	}
	supply_close(&t.supply);
	run_close(&t.run);
	return rc;
}
