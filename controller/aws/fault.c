/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/fault.h"

#include "common/json.h"
#include "controller/aws/xml.h"

#include <string.h>

/* The first row that begins as the code does counts; a '$' in it ends the code there. */
static const struct {
	const char *code;
	enum fault_remedy remedy;
	enum err_kind kind;
} codes[] = {
	{"RequestLimitExceeded$", FAULT_THROTTLED, ERR_TRANSIENT},
	{"Throttl", FAULT_THROTTLED, ERR_TRANSIENT},
	{"RequestThrottled", FAULT_THROTTLED, ERR_TRANSIENT},
	{"EC2ThrottledException$", FAULT_THROTTLED, ERR_TRANSIENT},
	{"TooManyRequestsException$", FAULT_THROTTLED, ERR_TRANSIENT},
	{"ProvisionedThroughputExceeded", FAULT_THROTTLED, ERR_TRANSIENT},
	{"BandwidthLimitExceeded$", FAULT_THROTTLED, ERR_TRANSIENT},
	{"SlowDown$", FAULT_THROTTLED, ERR_TRANSIENT},
	{"PriorRequestNotComplete$", FAULT_THROTTLED, ERR_TRANSIENT},
	/* The caller goes elsewhere; status 500 as they are. */
	{"Insufficient", FAULT_FINAL, ERR_TRANSIENT},
	{"Unsupported", FAULT_FINAL, ERR_REMOTE},
	{"ExpiredToken", FAULT_EXPIRED, ERR_CONFIG},
	{"RequestTimeTooSkewed$", FAULT_CLOCK, ERR_CONFIG},
	{"RequestExpired$", FAULT_CLOCK, ERR_CONFIG},
	{"RequestInTheFuture$", FAULT_CLOCK, ERR_CONFIG},
	{"AuthFailure$", FAULT_CLOCK, ERR_CONFIG},
	{"SignatureDoesNotMatch$", FAULT_CLOCK, ERR_CONFIG},
	{"InvalidSignature", FAULT_CLOCK, ERR_CONFIG},
	{"IncompleteSignature", FAULT_FINAL, ERR_CONFIG},
	{"InvalidClientTokenId$", FAULT_FINAL, ERR_CONFIG},
	{"UnrecognizedClient", FAULT_FINAL, ERR_CONFIG},
	{"InvalidAccessKeyId$", FAULT_FINAL, ERR_CONFIG},
	{"InvalidToken$", FAULT_FINAL, ERR_CONFIG},
	{"MissingAuthenticationToken", FAULT_FINAL, ERR_CONFIG},
	{"OptInRequired$", FAULT_FINAL, ERR_CONFIG},
	{"RequestTimeout", FAULT_RETRY, ERR_TRANSIENT},
	{"InternalError$", FAULT_RETRY, ERR_TRANSIENT},
	{"InternalFailure$", FAULT_RETRY, ERR_TRANSIENT},
	{"InternalServer", FAULT_RETRY, ERR_TRANSIENT},
	{"ServiceUnavailable", FAULT_RETRY, ERR_TRANSIENT},
	{"Unavailable$", FAULT_RETRY, ERR_TRANSIENT},
	{"IDPCommunicationError$", FAULT_RETRY, ERR_TRANSIENT},
};

/* Messages of these show the request that was signed, its token among the rest. */
static const char *const silent[] = {"Signature", "InvalidSignature", "IncompleteSignature"};

/* A code is a word. "com.amazonaws.ssm#ParameterNotFound" and "ClientException:http://…" hold one.
 */
static void take_code(const char *text, char ret[static FAULT_CODE_MAX])
{
	const char *hash = strchr(text, '#');
	size_t len;

	if (hash)
		text = hash + 1;
	len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	snprintf(ret, FAULT_CODE_MAX, "%.*s", (int)(len < FAULT_CODE_MAX ? len : 0), text);
}

static void take_message(const char *text, char ret[static FAULT_MESSAGE_MAX])
{
	snprintf(ret, FAULT_MESSAGE_MAX, "%.*s", FAULT_MESSAGE_MAX - 1, text);
	for (char *c = ret; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
}

/* Error stands at the top (S3), in the document (STS, IAM), or in Errors (EC2). */
static const struct _xmlNode *find_error(const struct _xmlNode *root)
{
	const struct _xmlNode *errors = xml_child(root, "Errors");

	if (strcmp(xml_name(root), "Error") == 0)
		return root;
	return xml_child(errors ? errors : root, "Error");
}

static bool from_xml(const char *body, size_t len, struct fault *f)
{
	auto_xml struct _xmlDoc *doc = NULL;
	struct err e = ERR_INIT;
	const struct _xmlNode *error;
	const char *code, *message;

	if (xml_parse(body, len, "the answer", &doc, &e) < 0)
		return false;
	error = find_error(xml_root(doc));
	code = error ? xml_text(error, "Code") : NULL;
	message = error ? xml_text(error, "Message") : NULL;
	if (code)
		take_code(code, f->code);
	if (message)
		take_message(message, f->message);
	return code != NULL;
}

static const char *member(const json_t *j, const char *lower, const char *upper)
{
	const char *text = json_string_value(json_object_get(j, lower));

	return text ? text : json_string_value(json_object_get(j, upper));
}

static void from_json(const char *body, size_t len, struct fault *f)
{
	auto_json json_t *j = NULL;
	struct err e = ERR_INIT;
	const char *code, *message;

	if (json_parse(body, len, "the answer", &j, &e) < 0)
		return;
	code = member(j, "__type", "code");
	message = member(j, "message", "Message");
	if (code && !*f->code)
		take_code(code, f->code);
	if (message)
		take_message(message, f->message);
}

static bool begins(const char *code, const char *row)
{
	size_t len = strcspn(row, "$");

	return strncmp(code, row, len) == 0 && (!row[len] || !code[len]);
}

static void judge(unsigned status, struct fault *f)
{
	f->remedy = FAULT_FINAL;
	f->kind = ERR_REMOTE;
	for (size_t i = 0; *f->code && i < ARRAY_LEN(codes); i++) {
		if (!begins(f->code, codes[i].code))
			continue;
		f->remedy = codes[i].remedy;
		f->kind = codes[i].kind;
		return;
	}
	if (status == 429) {
		f->remedy = FAULT_THROTTLED;
		f->kind = ERR_TRANSIENT;
	} else if (status >= 500) {
		f->remedy = FAULT_RETRY;
		f->kind = ERR_TRANSIENT;
	}
}

void fault_read(
	unsigned status, const char *error_type, const char *body, size_t len, struct fault *ret)
{
	*ret = (struct fault){0};
	take_code(error_type, ret->code);
	if (len > 0 && !from_xml(body, len, ret))
		from_json(body, len, ret);
	judge(status, ret);
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		if (strncmp(ret->code, silent[i], strlen(silent[i])) == 0)
			ret->message[0] = '\0';
	}
}
