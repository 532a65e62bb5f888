# SPDX-License-Identifier: Apache-2.0
# Printed by the program from its tables of commands and options.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = completion/shared-prep
if CONTROLLER
bashcompletion_DATA += completion/controller
endif
CLEANFILES += $(bashcompletion_DATA)

completion/shared-prep: shared-prep$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completion && ./shared-prep$(EXEEXT) --completion bash >$@.new && mv $@.new $@

completion/controller: controller/controller$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completion && controller/controller$(EXEEXT) --completion bash >$@.new && mv $@.new $@
