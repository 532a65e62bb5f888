/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for notices in a thread of its own, because a request blocks, and posts what it finds
 * through a descriptor that an event loop waits for. Nothing is asked of a machine of no cloud, and
 * there is no thread then.
 *
 * Garbage, an error, an answer cut short or none at all is trouble, never a notice, and makes the
 * pause longer (notice_pause()). A notice is posted once, and again when it changes; one that the
 * service has taken back, INTERRUPT_GONE answers in a row, is over.
 */
#ifndef AGENT_INTERRUPT_H
#define AGENT_INTERRUPT_H

#include "agent/notice.h"

#define INTERRUPT_GONE 3

enum interrupt_news {
	INTERRUPT_NOTICE,  /* notice */
	INTERRUPT_OVER,    /* notice.source has nothing to say any more */
	INTERRUPT_TROUBLE, /* text: why nothing can be found out; posted when it begins */
	INTERRUPT_WELL,    /* the trouble is over */
};

struct interrupt_report {
	enum interrupt_news news;
	struct notice notice;
	char text[256];
};

struct interrupt_setup {
	struct notice_facts facts; /* lifecycle and name may be "": they are asked for */
	const struct settings *settings;
	struct notice_pace pace; /* notice_pace(settings) */
};

struct interrupt;

/* *ret is NULL where nothing can ever come. */
must_check int interrupt_start(
	const struct interrupt_setup *s, struct interrupt **ret, struct err *e);

/* Readable when there is a report; -1 for NULL. */
int interrupt_fd(const struct interrupt *i);

/* true: one report in *ret; false: none is left. Never waits. */
bool interrupt_next(struct interrupt *i, struct interrupt_report *ret);

/* Ends the thread, within 2 s also in the midst of a request, and frees; NULL is fine. */
void interrupt_free(struct interrupt *i);

#endif
