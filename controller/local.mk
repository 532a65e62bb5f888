# SPDX-License-Identifier: Apache-2.0
if CONTROLLER
noinst_LIBRARIES += libcontroller.a
libcontroller_a_SOURCES = \
	controller/aws/call.c controller/aws/call.h \
	controller/aws/cred_common.c controller/aws/cred_private.h \
	controller/aws/cred_container.c \
	controller/aws/cred_instance.c \
	controller/aws/cred_process.c \
	controller/aws/cred_role.c \
	controller/aws/cred_sso.c \
	controller/aws/cred_static.c \
	controller/aws/cred_web_identity.c \
	controller/aws/credentials.c controller/aws/credentials.h \
	controller/aws/endpoint.c controller/aws/endpoint.h \
	controller/aws/fault.c controller/aws/fault.h \
	controller/aws/ini.c controller/aws/ini.h \
	controller/aws/instance.c controller/aws/instance.h \
	controller/aws/profile.c controller/aws/profile.h \
	controller/aws/sigv4.c controller/aws/sigv4.h \
	controller/aws/sigv4_canonical.c controller/aws/sigv4_private.h \
	controller/aws/sts.c controller/aws/sts.h \
	controller/aws/transport.c controller/aws/transport.h \
	controller/aws/uri.c controller/aws/uri.h \
	controller/aws/xml.c controller/aws/xml.h \
	controller/cmd.h \
	controller/cmd_validate.c \
	controller/money.c controller/money.h \
	controller/project.c controller/project.h \
	controller/project_check.c \
	controller/project_check_app.c \
	controller/project_private.h \
	controller/project_read.c \
	controller/project_take.c \
	controller/project_take_aws.c \
	controller/target.c controller/target.h

bin_PROGRAMS += controller/controller
controller_controller_SOURCES = controller/main.c
controller_controller_LDADD = libcontroller.a libcommon.a $(LIBS_CONTROLLER_LIBS) $(LIBS_COMMON_LIBS)
endif
