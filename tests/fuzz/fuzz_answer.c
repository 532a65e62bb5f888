/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: any bytes as what AWS answers (XML, JSON, errors), as a profile file, and as
 * something that --debug-http prints, which shows no secret and nothing a terminal acts on.
 */
#include "common/auto.h"
#include "controller/aws/debug.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/fault.h"
#include "controller/aws/ini.h"
#include "controller/aws/pricing.h"
#include "controller/aws/xml.h"
#include "controller/project/base.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARK     "MaRkEdSeCrEt"
#define TEXT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_xml(const char *text, size_t len)
{
	auto_xml struct _xmlDoc *doc = NULL;
	struct ec2_instance i = {0};
	struct err e = ERR_INIT;

	if (xml_parse(text, len, "it", &doc, &e) < 0) {
		if (e.kind != ERR_DATA)
			abort();
		return;
	}
	if (ec2_instance_take(xml_root(doc), &i, &e) == 0 && !*i.id)
		abort();
	ec2_tags_free(&i.tags);
}

static void read_fault(const char *text, size_t len)
{
	struct fault f;

	fault_read(len % 2 ? 400 : 503, "", text, len, &f);
	if (f.kind == ERR_NONE || strpbrk(f.message, "\n\r\033") || strpbrk(f.code, " \n<"))
		abort();
}

static void read_texts(const char *text)
{
	struct err e = ERR_INIT;
	char kernel[16];
	uint64_t price;

	base_kernel(text, kernel);
	(void)base_is_known(text);
	if (pricing_read(text, &price, &e) < 0 && e.kind != ERR_DATA)
		abort();
}

static void read_ini(const char *text, size_t len)
{
	auto_buf struct buf b = BUF_INIT(TEXT_MAX);
	struct err e = ERR_INIT;
	struct ini i = {0};

	if (buf_add(&b, text, len) < 0)
		return;
	if (ini_parse(&b, "it", &i, &e) < 0 && e.kind != ERR_CONFIG)
		abort();
	ini_free(&i);
}

/* With a secret before it, in a body of the same form. */
static void show(const char *before, const char *text, size_t len, const char *after)
{
	auto_buf struct buf out = BUF_INIT(64 * TEXT_MAX);
	struct http_response r = {.status = 200, .body = BUF_INIT(TEXT_MAX)};
	const struct call c = {.service = ENDPOINT_EC2,
		.type = *before == 'U' ? "application/x-www-form-urlencoded" : NULL};
	struct call sent = c;
	struct call_event event = {.what = CALL_ANSWERED, .call = &sent, .url = "", .answer = &r};

	if (buf_adds(&r.body, before) == 0 && buf_add(&r.body, text, len) == 0 &&
		buf_adds(&r.body, after) == 0) {
		event.what = c.type ? CALL_SENT : CALL_ANSWERED;
		sent.body = r.body.data;
		sent.body_len = r.body.len;
		if (debug_event(&out, &event) == 0 && strstr(buf_str(&out), MARK))
			abort();
		for (size_t i = 0; i < out.len; i++) {
			unsigned char byte = (unsigned char)out.data[i];

			if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
				abort();
		}
	}
	http_response_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = malloc(size + 1);

	if (!text || size > TEXT_MAX / 2)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_xml(text, size);
	read_fault(text, size);
	read_texts(text);
	read_ini(text, size);
	if (memmem(text, size, MARK, strlen(MARK)))
		return 0;
	show("<r><secretAccessKey>" MARK "</secretAccessKey>", text, size, "</r>");
	show("{\"clientSecret\": \"" MARK "\", \"x\": ", text, size, "}");
	show("UserData=" MARK "&", text, size, "");
	return 0;
}
