/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves what it reads (tests/aws/endpoints.py): a JSON array of {service, region, env}, each
 * answered by {url, region, service}, or null where it is refused. */
#include "common/fs.h"
#include "common/json.h"
#include "controller/aws/endpoint.h"

#include <string.h>

#define INPUT_MAX (16 * 1024 * 1024)
#define ENV_MAX   16

static json_t *resolve(const json_t *j)
{
	const json_t *list = json_object_get(j, "env");
	const char *service = json_string_value(json_object_get(j, "service"));
	auto_profiles struct profiles p = {0};
	struct err e = ERR_INIT;
	struct endpoint at;
	const char *env[ENV_MAX] = {0};
	int s = 0;

	for (size_t i = 0; i < json_array_size(list) && i < ENV_MAX - 1; i++)
		env[i] = json_string_value(json_array_get(list, i));
	while (strcmp(endpoint_service_name((enum endpoint_service)s), service) != 0)
		s++;
	if (profiles_load(env, NULL, &p, &e) < 0 ||
		endpoint_resolve(env, &p, (enum endpoint_service)s,
			json_string_value(json_object_get(j, "region")), &at, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return json_null();
	}
	return json_pack(
		"{s:s, s:s, s:s}", "url", at.url, "region", at.region, "service", at.service);
}

int main(void)
{
	auto_buf struct buf input = BUF_INIT(INPUT_MAX);
	auto_json json_t *in = NULL;
	auto_json json_t *out = json_array();
	struct err e = ERR_INIT;
	int rc = fs_read_fd(STDIN_FILENO, "standard input", &input, &e);

	if (rc == 0)
		rc = json_parse(buf_str(&input), input.len, "standard input", &in, &e);
	for (size_t i = 0; rc == 0 && i < json_array_size(in); i++)
		json_array_append_new(out, resolve(json_array_get(in, i)));
	if (rc == 0)
		rc = json_print(out, stdout, &e);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	return err_exit_code(&e);
}
