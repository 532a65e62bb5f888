# SPDX-License-Identifier: Apache-2.0
dist_man_MANS = \
	man/shared-prep.8 \
	man/shared-prep.conf.5
if CONTROLLER
dist_man_MANS += \
	man/controller.8 \
	man/shared-prep.ini.5
endif
