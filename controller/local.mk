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
	controller/child.c controller/child.h \
	controller/local_root.c controller/local_root.h \
	controller/local_run.c controller/local_run.h \
	controller/local_users.c controller/local_users.h \
	controller/machine.h \
	controller/machine_local.c controller/machine_local.h \
	controller/machine_ssh.c controller/machine_ssh.h \
	controller/ssh.c controller/ssh.h \
	controller/ssh_text.c \
	controller/ssh_words.c controller/ssh_words.h \
	controller/sshkey.c controller/sshkey.h \
	controller/userdata.c controller/userdata.h

bin_PROGRAMS += controller/controller
controller_controller_SOURCES = controller/main.c
controller_controller_LDADD = libcontroller.a libcommon.a $(LIBS_CONTROLLER_LIBS) $(LIBS_COMMON_LIBS)
endif
