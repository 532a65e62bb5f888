# SPDX-License-Identifier: Apache-2.0
systemdsystemunit_DATA = \
	unit/shared-prep-jobs.service \
	unit/shared-prep-jobs.slice \
	unit/shared-prep-seal.service \
	unit/shared-prep.service

hardeningdir = $(systemdsystemunitdir)/shared-prep.service.d
hardening_DATA = unit/shared-prep.service.d/10-hardening.conf

jobshardeningdir = $(systemdsystemunitdir)/shared-prep-jobs.service.d
jobshardening_DATA = unit/shared-prep-jobs.service.d/10-hardening.conf

jobunitdir = $(systemdsystemunitdir)/shared-prep-job-.service.d
jobunit_DATA = unit/shared-prep-job-.service.d/10-record.conf

ecsdir = $(systemdsystemunitdir)/ecs.service.d
ecs_DATA = unit/ecs.service.d/10-shared-prep.conf

presetdir = $(prefix)/lib/systemd/system-preset
preset_DATA = unit/90-shared-prep.preset

sysusersdir = $(prefix)/lib/sysusers.d

vendorconfdir = $(prefix)/lib/shared-prep
vendorconf_DATA = unit/shared-prep.conf

hooksdir = $(prefix)/lib/shared-prep/interrupt.d
dist_hooks_SCRIPTS = unit/interrupt.d/50-persist

generatordir = $(prefix)/lib/systemd/system-generators

EXTRA_DIST += $(systemdsystemunit_DATA) $(hardening_DATA) $(jobshardening_DATA) $(jobunit_DATA) $(ecs_DATA) \
	$(preset_DATA) $(vendorconf_DATA) unit/etc-shared-prep.conf unit/shared-prep.sysusers

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/shared-prep/conf.d' \
		'$(DESTDIR)$(sysconfdir)/shared-prep/interrupt.d' '$(DESTDIR)$(generatordir)' \
		'$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/unit/shared-prep.sysusers \
		'$(DESTDIR)$(sysusersdir)/shared-prep.conf'
	test -e '$(DESTDIR)$(sysconfdir)/shared-prep/shared-prep.conf' || \
		$(INSTALL_DATA) $(srcdir)/unit/etc-shared-prep.conf \
			'$(DESTDIR)$(sysconfdir)/shared-prep/shared-prep.conf'
	cd '$(DESTDIR)$(generatordir)' && rm -f shared-prep-generator && \
		$(LN_S) ../../../bin/shared-prep shared-prep-generator

uninstall-local:
	rm -f '$(DESTDIR)$(generatordir)/shared-prep-generator' \
		'$(DESTDIR)$(sysusersdir)/shared-prep.conf'
