# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcommon.a
libcommon_a_SOURCES = \
	common/auto.h \
	common/banned.h \
	common/buf.c common/buf.h \
	common/cancel.c common/cancel.h \
	common/clock.c common/clock.h \
	common/config.c common/config.h \
	common/config_lines.c \
	common/config_values.c \
	common/cpu_table.h \
	common/cpu_target.c common/cpu_target.h \
	common/date.c common/date.h \
	common/digest.c common/digest.h \
	common/err.c common/err.h \
	common/fs.c common/fs.h \
	common/fs_tree.c \
	common/http.c common/http.h \
	common/instance_type.c common/instance_type.h \
	common/json.c common/json.h \
	common/log.c common/log.h \
	common/near.c common/near.h \
	common/num.c common/num.h \
	common/opt.c common/opt.h \
	common/opt_help.c \
	common/proc.c common/proc.h \
	common/progress.c common/progress.h \
	common/secret.c common/secret.h \
	common/words.c common/words.h
