/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --debug-http prints of a call: method, address, headers and bodies, each as it goes over the
 * wire but for what would give access: signatures, tokens, keys, passwords, user data, the output
 * of consoles, bodies that cannot be read well enough to know. Pure.
 */
#ifndef CONTROLLER_AWS_DEBUG_H
#define CONTROLLER_AWS_DEBUG_H

#include "controller/aws/call.h"

#define DEBUG_HIDDEN "(hidden)"

/* Adds lines that begin with "> " (sent), "< " (answered) or "! " (neither). As buf_add() returns.
 */
must_check int debug_event(struct buf *out, const struct call_event *event);

/* Is what bears this name ("UserData", "secretAccessKey", "DB_PASSWORD") to be hidden? */
bool debug_is_secret(const char *name);

#endif
