# SPDX-License-Identifier: Apache-2.0
examplesdir = $(datadir)/shared-prep
nobase_dist_examples_SCRIPTS = examples/octave/run_scripts/start.sh
nobase_dist_examples_DATA = \
	examples/octave/README.md \
	examples/octave/workflow/inputs/n100 \
	examples/octave/workflow/inputs/n200 \
	examples/octave/workflow/inputs/n250 \
	examples/octave/workflow/inputs/n300 \
	examples/octave/workflow/main.m
if CONTROLLER
nobase_dist_examples_SCRIPTS += examples/project/hello/build
nobase_dist_examples_DATA += \
	examples/project/hello/Makefile \
	examples/project/hello/hello.c \
	examples/project/shared-prep.ini
endif
