/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_order.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/num.h"
#include "controller/build/dist.h"
#include "controller/disk/disk.h"
#include "controller/image/bake_report.h"
#include "controller/image/ebs_upload.h"
#include "controller/machine/machine_root.h"
#include "controller/machine/machine_wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX  4096
#define REPORT_MAX (1 * MIB)
#define SEND_TIME  (24 * 3600 * NSEC_PER_SEC)

static const char *suffix(const struct bake_order *o)
{
	return o->project->image.format == IMAGE_QCOW2 ? ".qcow2" : ".raw";
}

/* Of images in a folder; the caller frees all. */
struct names {
	char *item[NAMES_MAX];
	size_t n;
};

static void names_free(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
}

static int names_read(const char *dir, const char *stem, struct names *ret, struct err *e)
{
	DIR *d = opendir(dir);
	int rc = d ? 0 : err_errno(e, "'%s'", dir);

	for (struct dirent *entry; rc == 0 && (entry = readdir(d));) {
		size_t len = image_name_of_file(entry->d_name, stem);

		if (len == 0)
			continue;
		if (ret->n == NAMES_MAX) {
			rc = err_set(e, ERR_SYSTEM, E2BIG, "'%s' has more than %d files", dir,
				NAMES_MAX);
			break;
		}
		ret->item[ret->n] = strndup(entry->d_name, len);
		if (!ret->item[ret->n++])
			rc = err_oom(e);
	}
	if (d)
		closedir(d);
	return rc;
}

static int choose_name(const struct bake_order *o, const char *dir, struct baked *b, struct err *e)
{
	char stem[IMAGE_NAME];
	struct names names = {0};
	int rc;

	image_name_stem(
		o->project->image.name, o->arch_in_name ? o->bake->arch : NULL, date_now(), stem);
	rc = names_read(dir, stem, &names, e);
	if (rc == 0)
		rc = image_name_choose(stem, (const char *const *)names.item, names.n, b->name, e);
	names_free(&names);
	return rc;
}

/* --- one of the same inputs */

static bool is_same(const char *dir, const char *name, struct baked *b)
{
	char path[PATH_MAX];
	auto_buf struct buf text = BUF_INIT(REPORT_MAX);
	auto_json json_t *report = NULL;
	struct err ignored = ERR_INIT;
	const char *inputs, *image;

	if (snprintf(path, sizeof(path), "%s/%s.json", dir, name) >= (int)sizeof(path) ||
		fs_read(AT_FDCWD, path, &text, &ignored) < 0 ||
		json_parse(buf_str(&text), text.len, path, &report, &ignored) < 0)
		return false;
	inputs = json_string_value(json_object_get(report, "inputs"));
	image = json_string_value(json_object_get(report, "image"));
	if (!inputs || strcmp(inputs, b->inputs) != 0 || !image || access(image, R_OK) < 0)
		return false;
	snprintf(b->path, sizeof(b->path), "%s", image);
	snprintf(b->name, sizeof(b->name), "%s", name);
	return true;
}

static int find_same(const char *dir, struct baked *b, struct err *e)
{
	struct names names = {0};
	int rc = names_read(dir, NULL, &names, e);

	for (size_t i = 0; i < names.n && rc == 0 && !b->unchanged; i++)
		b->unchanged = is_same(dir, names.item[i], b);
	names_free(&names);
	return rc;
}

/* --- a new one */

/* What says which base it is: a bootstrap by its name, all else by what is in it. */
static int base_id(const char *base, char ret[static DIGEST_TEXT + 64], struct err *e)
{
	struct bake_file file = {.special = true};
	struct stat st;
	int rc;

	if (stat(base, &st) < 0) {
		snprintf(ret, DIGEST_TEXT + 64, "%.100s", base);
		return 0;
	}
	rc = S_ISDIR(st.st_mode) ? bake_tree_read(base, "base=", &file, e)
				 : bake_file_read(base, "base=", &file, e);
	if (rc == 0)
		snprintf(ret, DIGEST_TEXT + 64, "%s", file.digest);
	free(file.path);
	return rc;
}

static void say(void *ctx, const char *step)
{
	show_part(ctx, "%s", step);
}

static void on_progress(void *ctx, const struct bake_progress *p)
{
	bake_show(ctx, p);
}

static int provision(
	const struct bake_order *o, const struct disk *d, struct baked *b, struct err *e)
{
	struct machine *m;
	struct err stopped = ERR_INIT;
	int rc = machine_root_new(
		&(struct machine_root_options){
			.name = "image", .root = disk_root(d), .run = o->run->id},
		&m, e);

	if (rc < 0)
		return rc;
	rc = machine_wait_ready(m, o->show, e);
	if (rc == 0)
		rc = bake_on(o, m, b, on_progress, o->show, e);
	if (machine_wait_gone(m, &stopped) < 0 && rc == 0) {
		*e = stopped;
		rc = -stopped.num;
	}
	machine_free(m);
	return rc;
}

static int check_arch(const struct bake_order *o, const struct disk *d, struct err *e)
{
	if (strcmp(disk_arch(d), o->bake->arch) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, ENOEXEC, "base '%s' is for %s, the archives are for %s",
		o->project->image.base, disk_arch(d), o->bake->arch);
}

static int make_disk(const struct bake_order *o, struct baked *b, struct err *e)
{
	const struct disk_options options = {
		.base = o->project->image.base,
		.result = b->path,
		.format = o->project->image.format,
		.size = o->project->image.size,
		.room = bake_room(o->bake),
		/* What is from repositories of their own the step "packages" installs. */
		.packages = o->project->image.repositories.len ? NULL : &o->project->image.packages,
		.seed = b->inputs,
		.say = say,
		.ctx = o->show,
	};
	struct disk *d = NULL;
	int rc = disk_open(&options, &d, e);

	if (rc < 0)
		return rc;
	rc = check_arch(o, d, e);
	if (rc == 0)
		rc = provision(o, d, b, e);
	if (rc == 0)
		rc = disk_make(d, e);
	disk_close(d);
	return rc;
}

/* --- to EBS */

static void on_sent(void *ctx, uint64_t done, uint64_t total)
{
	show_draw(ctx, done, total);
}

static int send(const struct bake_order *o, const struct baked *b, struct ami *a, struct err *e)
{
	const struct image_spec *spec = &o->project->image;
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct ebs_uploaded sent = {0};
	char token[JOURNAL_TOKEN], former[PATH_MAX];
	int rc;

	ami_token(a, token);
	if ((rc = ami_tag(a, token, &tags, e)) < 0 || (rc = ebs_former(b->path, former, e)) < 0)
		return rc;
	show_part(o->show, "send it to EBS");
	rc = ebs_upload(&(struct ebs_upload){.client = &a->site->cloud->client,
				.journal = &o->run->journal,
				.path = b->path,
				.former = *former ? former : NULL,
				.token = token,
				.description = a->name,
				.volume = spec->size,
				.encrypt = spec->encrypt,
				.kms_key = spec->kms_key,
				.tags = {tags.item, tags.n},
				.deadline = clock_deadline(SEND_TIME),
				.progress = on_sent,
				.ctx = o->show},
		&sent, e);
	if (rc == 0)
		show_say(o->show, "%" PRIu64 " blocks of 512 KiB sent%s", sent.sent,
			sent.continued ? ", upon those of a run before" : "");
	if (rc == 0)
		ami_adopt(a, sent.snapshot, token);
	return rc;
}

static int register_it(
	const struct bake_order *o, struct ec2_site *site, struct baked *b, struct err *e)
{
	auto_ami struct ami ami = bake_ami(o, site, b);
	int rc;

	ami.base_id = "";
	ami.boot_mode = "uefi";
	if ((rc = ami_open(&ami, e)) < 0 || (rc = send(o, b, &ami, e)) < 0 ||
		(rc = ami_finish(&ami, e)) < 0)
		return rc;
	return baked_take(b, &ami, e);
}

static int to_ami(const struct bake_order *o, struct baked *b, struct err *e)
{
	struct cloud cloud = {0};
	struct ec2_site site = {.project = o->project, .cloud = &cloud, .run = o->run};
	const struct project_aws *aws = &o->project->aws;
	int rc;

	rc = cloud_open(&(struct cloud_options){.profile = aws->profile,
				.region = aws->region,
				.debug_http = o->debug_http},
		&cloud, e);
	if (rc == 0 && o->if_changed)
		rc = ami_find(&cloud.client, o->project, o->bake->arch, b->inputs, b->ami, e);
	if (rc == 0 && !*b->ami)
		rc = register_it(o, &site, b, e);
	cloud_close(&cloud);
	return rc;
}

static int find_or_make(const struct bake_order *o, struct baked *b, struct err *e)
{
	char dir[PATH_MAX], id[DIGEST_TEXT + 64];
	int rc;

	snprintf(b->base, sizeof(b->base), "%s", o->project->image.base);
	if ((rc = dist_images_make(o->project->dist, dir, e)) < 0 ||
		(rc = base_id(b->base, id, e)) < 0 ||
		(rc = bake_fingerprint(o->bake, id, b->inputs, e)) < 0)
		return rc;
	if (o->if_changed && ((rc = find_same(dir, b, e)) < 0 || b->unchanged))
		return rc;
	if ((rc = choose_name(o, dir, b, e)) < 0)
		return rc;
	if (snprintf(b->path, sizeof(b->path), "%s/%s%s", dir, b->name, suffix(o)) >=
		(int)sizeof(b->path))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", dir);
	rc = make_disk(o, b, e);
	/* It is there, whatever comes of sending it: the next run is to find it. */
	return rc < 0 ? rc : bake_report_write(o->project, b, e);
}

int bake_local(const struct bake_order *o, struct baked *b, struct err *e)
{
	int rc = find_or_make(o, b, e);

	if (rc == 0 && o->to_ami)
		rc = to_ami(o, b, e);
	show_end(o->show, rc < 0);
	return rc;
}
