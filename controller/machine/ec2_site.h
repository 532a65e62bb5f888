/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the instances of a run live: the subnets, the image of each architecture, who logs in, what
 * there is to be had for how much (ec2_offer.c), the gate that lets only us in (ec2_gate.c), and
 * the one look at all instances (ec2_watch.c). Nothing is created before ec2_gate_open().
 */
#ifndef CONTROLLER_EC2_SITE_H
#define CONTROLLER_EC2_SITE_H

#include "controller/account/cloud.h"
#include "controller/account/run.h"
#include "controller/arch.h"
#include "controller/aws/ec2_group.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/ec2_network.h"
#include "controller/machine/ladder.h"
#include "controller/machine/sshkey.h"
#include "controller/project/base.h"
#include "controller/project/matrix.h"

#define SITE_TIME    (60 * 1000000000ULL) /* ns, for a call with all its tries */
#define SITE_ADDRESS 46
#define SITE_TAGS    50
#define SITE_USER    64

/* The rungs for one kind of CPU. */
struct ec2_offer {
	char arch[16], march[TARGET_NAME];
	const struct project_target *named; /* [target] with types=; or NULL */
	struct ladder ladder;
};

struct ec2_site {
	const struct project *project;
	struct cloud *cloud;
	struct run *run;                /* NULL: nothing will be made */
	const struct image_spec *image; /* that workers are to become; or NULL */

	char vpc[EC2_ID_MAX];
	struct ec2_subnets subnets;
	bool is_private; /* workers get no public address */
	char user[SITE_USER];
	struct base base[ARCHS]; /* id "" before it is looked for */

	struct ec2_offer *offer;
	size_t n_offers;

	char group[EC2_ID_MAX]; /* "" before it is made */
	char group_token[JOURNAL_TOKEN];
	char address[SITE_ADDRESS]; /* whom the gate lets in */
	uint64_t followed;          /* clock.h, when that was asked for again; 0: never */
	bool doubted;               /* a connection was lost: it may be another now */
	struct sshkey login;        /* path "" before it is made */

	struct ec2_instances seen;  /* by the last look */
	uint64_t looked;            /* clock.h; 0: never */
	char (*doomed)[EC2_ID_MAX]; /* to be terminated */
	size_t n_doomed;
	uint64_t renewed; /* clock.h, when the tag of expiry was set */
};

/* Looks only. The caller calls ec2_site_close() in every case. */
must_check int ec2_site_open(const struct project *p, struct cloud *cloud, struct run *run,
	struct ec2_site *ret, struct err *e);
void ec2_site_close(struct ec2_site *s);

/* The image for "x86_64" or "aarch64"; *ret is the site's. */
must_check int ec2_site_base(
	struct ec2_site *s, const char *arch, const struct base **ret, struct err *e);

/* The last call failed by an answer that says no: what it was to create was not created. */
bool ec2_site_refused(const struct ec2_site *s);

/* The tags of what the run creates, those of the project too; they point into site and project. */
struct ec2_site_tags {
	struct ec2_tag item[SITE_TAGS];
	size_t n;
	char name[128];
	char expires[32];
	char *text[SITE_TAGS]; /* keys of the project's tags, freed by ec2_site_untag() */
};

must_check int ec2_site_tag(
	const struct ec2_site *s, const char *name, struct ec2_site_tags *ret, struct err *e);
void ec2_site_untag(struct ec2_site_tags *t);

#define auto_ec2_site_tags __attribute__((cleanup(ec2_site_untag)))

/* What may be tried for a crew, best first; *ret is the site's, shared by all its workers. Kind
 * config: nothing fits at all. */
must_check int ec2_offer_find(
	struct ec2_site *s, const struct crew *c, struct ladder **ret, struct err *e);

/* The security group of the run and the key that logs in are made, once, and our own address is let
 * in; later, where that is in doubt, the gate follows. */
must_check int ec2_gate_open(struct ec2_site *s, struct err *e);

/* Our address may have changed: where it has, the gate follows. 1: it has; 0: not, or it was looked
 * at just now. */
must_check int ec2_gate_follow(struct ec2_site *s, struct err *e);

/* Our address as the project tells, or who tells it. */
must_check int ec2_gate_address(
	const struct ec2_site *s, char ret[static SITE_ADDRESS], struct err *e);

/* One look at all instances of the run, if the last was not just now; s->seen has them. */
must_check int ec2_watch_look(struct ec2_site *s, struct err *e);

/* Moves the expiry of all that the run has, when it is time, so that another's `gc --expired`
 * leaves it alone. That it fails costs no worker: it is tried thrice before that is over. */
void ec2_watch_renew(struct ec2_site *s);

/* It is to be terminated; and all that are, in one call. */
must_check int ec2_watch_doom(struct ec2_site *s, const char *id, struct err *e);
must_check int ec2_watch_terminate(struct ec2_site *s, struct err *e);

/* Of the last look; NULL: it was not listed. */
const struct ec2_instance *ec2_watch_find(const struct ec2_site *s, const char *id);

#endif
