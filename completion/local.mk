# SPDX-License-Identifier: Apache-2.0
# Printed by the program from its tables of commands and options.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = completion/shared-prep
CLEANFILES += $(bashcompletion_DATA)

completion/shared-prep: shared-prep$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completion && ./shared-prep$(EXEEXT) --completion bash >$@.new && mv $@.new $@
