/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *metadata_state_name(enum metadata_state s)
{
	static const char *const name[] = {
		[METADATA_NONE] = "none",
		[METADATA_PENDING] = "pending",
		[METADATA_OK] = "ok",
		[METADATA_ABSENT] = "absent",
		[METADATA_DISABLED] = "disabled",
		[METADATA_UNREACHABLE] = "unreachable",
		[METADATA_TIMEOUT] = "timeout",
		[METADATA_INVALID] = "invalid",
	};

	return name[s];
}

static void fact_set(struct fact *f, const char *value, const char *source)
{
	if (!value || !*value)
		return;
	snprintf(f->value, sizeof(f->value), "%s", value);
	f->source = source;
}

/* Provider= over what DMI says; UNKNOWN stays where neither knows. */
static void choose_cloud(const struct dmi *d, const struct settings *s, struct identity *id)
{
	static const enum cloud named[] = {
		[PROVIDER_EC2] = CLOUD_EC2,
		[PROVIDER_AZURE] = CLOUD_AZURE,
		[PROVIDER_GCP] = CLOUD_GCP,
	};

	if (s->provider == PROVIDER_AUTO || s->provider == PROVIDER_NONE) {
		id->cloud = d->cloud;
		id->cloud_source = d->cloud == CLOUD_UNKNOWN ? NULL : "dmi";
	} else {
		id->cloud = named[s->provider];
		id->cloud_source = "config";
	}
}

/* Another root directory is another machine. */
static bool is_this_machine(int rootfd)
{
	struct stat root, here;

	return fstat(rootfd, &root) == 0 && stat("/", &here) == 0 && root.st_dev == here.st_dev &&
	       root.st_ino == here.st_ino;
}

static bool is_to_be_asked(int rootfd, const struct settings *s, enum cloud c)
{
	if (c == CLOUD_UNKNOWN || c == CLOUD_NONE)
		return false;
	if (s->provider == PROVIDER_NONE || s->metadata_timeout == 0)
		return false;
	return is_this_machine(rootfd) || getenv(IDENTITY_URL_VARIABLE);
}

int identity_local(int rootfd, const struct settings *s, const char *instance_type,
	struct identity *ret, struct err *e)
{
	struct identity id = {.metadata = METADATA_NONE};
	struct dmi d;
	int rc;

	if (instance_type && !settings_is_instance_type(instance_type))
		return err_set(e, ERR_USAGE, EINVAL,
			"'%.40s' is not an instance type: use letters, digits, '.', '_' and '-'",
			instance_type);
	rc = dmi_read(rootfd, &d, e);
	if (rc < 0)
		return rc;
	choose_cloud(&d, s, &id);
	fact_set(&id.instance_type, d.instance_type, "dmi");
	fact_set(&id.instance_type, s->instance_type, "config");
	fact_set(&id.instance_type, instance_type, "option");
	fact_set(&id.instance_id, d.instance_id, "dmi");
	if (is_to_be_asked(rootfd, s, id.cloud))
		id.metadata = METADATA_PENDING;
	*ret = id;
	return 0;
}

static bool is_override(const struct fact *f)
{
	return f->source && (strcmp(f->source, "option") == 0 || strcmp(f->source, "config") == 0);
}

void identity_merge(struct identity *id, enum metadata_state state, const struct metadata *m,
	const struct err *why)
{
	id->metadata = state;
	snprintf(id->metadata_detail, sizeof(id->metadata_detail), "%.*s",
		(int)sizeof(id->metadata_detail) - 1, why->msg);
	if (state != METADATA_OK)
		return;
	if (!is_override(&id->instance_type))
		fact_set(&id->instance_type, m->instance_type, "metadata");
	fact_set(&id->instance_id, m->instance_id, "metadata");
	fact_set(&id->region, m->region, "metadata");
	fact_set(&id->zone, m->zone, "metadata");
	fact_set(&id->image_id, m->image_id, "metadata");
	fact_set(&id->lifecycle, m->lifecycle, "metadata");
}
