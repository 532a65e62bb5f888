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
nobase_dist_examples_SCRIPTS += \
	examples/images/al2023-ecs-octave/check \
	examples/images/al2023-ecs-octave/octave/build \
	examples/images/debian/check \
	examples/project/hello/build
nobase_dist_examples_DATA += \
	examples/images/al2023-ecs-octave/README.md \
	examples/images/al2023-ecs-octave/shared-prep.ini \
	examples/images/debian/README.md \
	examples/images/debian/shared-prep.ini \
	examples/pipeline/README.md \
	examples/pipeline/github-actions.yml \
	examples/pipeline/trust.json \
	examples/project/hello/Makefile \
	examples/project/hello/hello.c \
	examples/project/shared-prep.ini
endif
