/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/base.h"

#include "controller/arch.h"
#include "controller/aws/ssm.h"

#include <errno.h>
#include <string.h>

#define LINUX "/aws/service/ami-amazon-linux-latest/"
#define ECS   "/aws/service/ecs/optimized-ami/"

/* %k: the kernel; %a: EC2's name of the architecture; %p: "/arm64", or nothing for x86_64. */
static const struct line {
	const char *name;
	const char *pinned; /* parameter of a kernel's newest; or NULL */
	const char *latest; /* parameter of the newest */
	const char *names[3];
} lines[] = {
	{"al2", LINUX "amzn2-ami-kernel-%k-hvm-%a-gp2", LINUX "amzn2-ami-kernel-default-hvm-%a-gp2",
		{"amzn2-ami-kernel-%k-hvm-2.0.*-%a-gp2", "amzn2-ami-hvm-2.0.*-%a-gp2"}},
	{"al2023", LINUX "al2023-ami-kernel-%k-%a", LINUX "al2023-ami-kernel-default-%a",
		{"al2023-ami-2023.*-kernel-%k-%a"}},
	{"al2-ecs", ECS "amazon-linux-2/kernel-%k%p/recommended/image_id",
		ECS "amazon-linux-2%p/recommended/image_id",
		{"amzn2-ami-ecs-kernel-%k-hvm-2.0.*-%a-ebs", "amzn2-ami-ecs-hvm-2.0.*-%a-ebs"}},
	{"al2023-ecs", NULL, ECS "amazon-linux-2023%p/recommended/image_id",
		{"al2023-ami-ecs-hvm-2023.*-kernel-%k-%a"}},
};

#define TEXT_MAX 256

static const struct line *line_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (strcmp(lines[i].name, name) == 0)
			return &lines[i];
	}
	return NULL;
}

static bool is_image(const char *name)
{
	const char *digits = name + strlen("ami-");

	return strncmp(name, "ami-", strlen("ami-")) == 0 && *digits && strlen(name) < EC2_ID_MAX &&
	       !digits[strspn(digits, "0123456789abcdef")];
}

bool base_is_known(const char *name)
{
	return is_image(name) || line_of(name);
}

static void fill(
	const char *template, const char *kernel, const char *arch, char ret[static TEXT_MAX])
{
	size_t len = 0;

	for (const char *c = template; *c && len < TEXT_MAX; c++) {
		const char *part = NULL;

		if (*c == '%' && c[1] == 'k')
			part = kernel;
		else if (*c == '%' && c[1] == 'a')
			part = arch_in_ec2(arch);
		else if (*c == '%' && c[1] == 'p')
			part = arch_is_arm(arch) ? "/arm64" : "";
		if (part)
			len += (size_t)snprintf(ret + len, TEXT_MAX - len, "%s", part);
		else
			ret[len++] = *c;
		c += part != NULL;
	}
	ret[len < TEXT_MAX ? len : TEXT_MAX - 1] = '\0';
}

void base_kernel(const char *name, char ret[static 16])
{
	const char *kernel = strstr(name, "kernel-");
	size_t len;

	ret[0] = '\0';
	if (!kernel)
		return;
	kernel += strlen("kernel-");
	len = strspn(kernel, "0123456789.");
	if (len > 0 && len < 16 && strchr("-", kernel[len]))
		snprintf(ret, 16, "%.*s", (int)len, kernel);
}

/* Eight digits, "20241010"; "" where there are none. */
static void date_in(const char *name, char ret[static 9])
{
	ret[0] = '\0';
	for (size_t len; *name; name += len ? len : 1) {
		len = strspn(name, "0123456789");
		if (len == 8)
			snprintf(ret, 9, "%.8s", name);
	}
}

/* "6.12" after "6.2". */
static int compare_kernels(const char *a, const char *b)
{
	char one[16], other[16];

	base_kernel(a, one);
	base_kernel(b, other);
	return strverscmp(one, other);
}

static int compare(const struct ec2_image *a, const struct ec2_image *b)
{
	char one[9], other[9];
	int order;

	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	date_in(a->name, one);
	date_in(b->name, other);
	order = strcmp(one, other);
	return order ? order : compare_kernels(a->name, b->name);
}

const struct ec2_image *base_newest(const struct ec2_images *list)
{
	const struct ec2_image *best = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct ec2_image *image = &list->item[i];

		if (strcmp(image->state, "available") == 0 && (!best || compare(image, best) > 0))
			best = image;
	}
	return best;
}

static int take(const struct base_request *r, const struct ec2_image *image, struct base *ret,
	struct err *e)
{
	const struct ec2_device *root = ec2_image_root(image);

	if (strcmp(image->state, "available") != 0)
		return err_set(e, ERR_REMOTE, EBUSY, "image '%s' is %s", image->id, image->state);
	if (strcmp(arch_of_ec2(image->arch), r->arch) != 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			"image '%s' is for %s, and one for %s is needed", image->id,
			arch_of_ec2(image->arch), r->arch);
	if (!root)
		return err_set(e, ERR_REMOTE, EINVAL, "image '%s' has no root volume", image->id);
	*ret = (struct base){.root_bytes = root->bytes, .created = image->created};
	snprintf(ret->id, sizeof(ret->id), "%s", image->id);
	snprintf(ret->name, sizeof(ret->name), "%s", image->name);
	snprintf(ret->arch, sizeof(ret->arch), "%s", arch_of_ec2(image->arch));
	snprintf(ret->root, sizeof(ret->root), "%s", image->root);
	base_kernel(image->name, ret->kernel);
	if (*r->kernel && *ret->kernel && strcmp(r->kernel, ret->kernel) != 0)
		snprintf(ret->moved, sizeof(ret->moved), "%s has kernel %s, not %s: %.80s", r->name,
			ret->kernel, r->kernel, ret->name);
	return 0;
}

static int take_amazons(const struct base_request *r, const struct ec2_image *image,
	struct base *ret, struct err *e)
{
	if (strcmp(image->owner_alias, "amazon") != 0)
		return err_set(e, ERR_REMOTE, EPERM,
			"image '%s' of base '%s' is not Amazon's, but of '%s': it is not used",
			image->id, r->name, image->owner);
	return take(r, image, ret, e);
}

/* An image of this id. */
static int describe(struct call_client *client, const struct base_request *r, const char *id,
	bool amazon, struct base *ret, struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_select which = {
		.ids = (const char *const[]){id, NULL}, .deadline = r->deadline};
	int rc = ec2_images(client, &which, &list, e);

	if (rc < 0)
		return rc;
	if (list.n != 1 || strcmp(list.item[0].id, id) != 0)
		return err_set(e, ERR_REMOTE, ENOENT, "there is no image '%s'", id);
	return amazon ? take_amazons(r, &list.item[0], ret, e) : take(r, &list.item[0], ret, e);
}

/* -ENOENT, kind remote: there is no such parameter, it may not be read, or its image is not there.
 */
static int by_parameter(struct call_client *client, const struct base_request *r,
	const char *template, struct base *ret, struct err *e)
{
	char name[TEXT_MAX], id[SSM_VALUE_MAX];
	int rc;

	fill(template, r->kernel, r->arch, name);
	rc = ssm_parameter(client, name, r->deadline, id, e);
	if (rc == 0 && !is_image(id))
		return err_set(
			e, ERR_DATA, EPROTO, "parameter '%s' has no image: '%.40s'", name, id);
	if (rc == 0)
		rc = describe(client, r, id, true, ret, e);
	if (rc < 0 && strcmp(client->fault.code, "") != 0 && e->kind == ERR_REMOTE)
		return -ENOENT;
	return rc;
}

/* -ENOENT, kind remote: there is none. */
static int by_name(struct call_client *client, const struct base_request *r, const char *kernel,
	struct base *ret, struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	const struct line *line = line_of(r->name);
	char names[ARRAY_LEN(line->names)][TEXT_MAX];
	const char *values[ARRAY_LEN(names) + 1] = {NULL};
	const struct ec2_filter filters[] = {
		{"name", values}, {"state", (const char *const[]){"available", NULL}}};
	const struct ec2_select which = {.owners = (const char *const[]){"amazon", NULL},
		.filters = filters,
		.n_filters = ARRAY_LEN(filters),
		.deadline = r->deadline};
	const struct ec2_image *image;
	int rc;

	/* The names without a kernel may have any. */
	for (size_t i = 0; line->names[i] && (i == 0 || strcmp(kernel, "*") == 0); i++) {
		fill(line->names[i], kernel, r->arch, names[i]);
		values[i] = names[i];
	}
	rc = ec2_images(client, &which, &list, e);
	if (rc < 0)
		return rc;
	image = base_newest(&list);
	if (!image)
		return err_set(e, ERR_REMOTE, ENOENT, "Amazon has no image named '%s' in %s",
			values[0], client->region);
	return take_amazons(r, image, ret, e);
}

/* One of the ways to an image of a line; NULL for a parameter: by name. */
struct way {
	const char *parameter;
	const char *kernel;
	bool taken;
};

int base_find(
	struct call_client *client, const struct base_request *r, struct base *ret, struct err *e)
{
	const struct line *line = line_of(r->name);
	bool pinned = *r->kernel != '\0';
	int rc = -ENOENT;

	if (is_image(r->name))
		return describe(client, r, r->name, false, ret, e);
	if (!line)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%.60s' is no base: use al2, al2023, al2-ecs, al2023-ecs or ami-…",
			r->name);
	const struct way ways[] = {
		{line->pinned, NULL, pinned && line->pinned},
		{NULL, r->kernel, pinned},
		{line->latest, NULL, true},
		{NULL, "*", true},
	};
	for (size_t i = 0; rc == -ENOENT && i < ARRAY_LEN(ways); i++) {
		*e = (struct err)ERR_INIT;
		if (!ways[i].taken)
			continue;
		rc = ways[i].parameter ? by_parameter(client, r, ways[i].parameter, ret, e)
				       : by_name(client, r, ways[i].kernel, ret, e);
	}
	return rc;
}
