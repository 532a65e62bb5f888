/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on standard error: with "<N>" priorities where standard error is the journal
 * (sd-daemon(3)), with colour on a terminal, plain elsewhere. Only main, command files and the
 * phase runner log; library code returns a struct err.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/* The syslog priorities that are used. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Detects the kind of standard error; prefix is the program's name, kept by reference. */
void log_setup(const char *prefix, enum log_level max);

/* From here on messages go to /dev/kmsg (for the generator, which runs before the journal reads).
 */
void log_to_kmsg(void);

void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same; where standard error is the journal, with a field beside the message, whose name is
 * upper case. */
void log_field(enum log_level level, const char *field, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(...)   log_msg(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
