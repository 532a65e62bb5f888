/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notify.h"

#include "common/num.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define STATUS_MAX 256

void notify_status(const char *fmt, ...)
{
	char text[STATUS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_extend(uint64_t ns)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, ns / 1000);
}

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

uint64_t notify_watchdog_interval(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec * 1000 : 0;
}

void notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}
