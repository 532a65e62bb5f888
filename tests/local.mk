# SPDX-License-Identifier: Apache-2.0
# The test programs; tests/run is the entry.
EXTRA_DIST += tests
AM_DEFAULT_SOURCE_EXT = .c

if HAVE_CMOCKA
check_PROGRAMS += \
	tests/isa/list \
	tests/unit/test_acl \
	tests/unit/test_ahead \
	tests/unit/test_archive \
	tests/unit/test_attend \
	tests/unit/test_buf \
	tests/unit/test_clock \
	tests/unit/test_compiler \
	tests/unit/test_config \
	tests/unit/test_copy \
	tests/unit/test_cpu \
	tests/unit/test_cpu_fixtures \
	tests/unit/test_cpu_ids \
	tests/unit/test_cpus \
	tests/unit/test_date \
	tests/unit/test_digest \
	tests/unit/test_dmi \
	tests/unit/test_ecs \
	tests/unit/test_elf \
	tests/unit/test_err \
	tests/unit/test_fresh \
	tests/unit/test_fs \
	tests/unit/test_generator \
	tests/unit/test_hooks \
	tests/unit/test_host \
	tests/unit/test_http \
	tests/unit/test_identity \
	tests/unit/test_imds \
	tests/unit/test_interrupt \
	tests/unit/test_interruption \
	tests/unit/test_isa \
	tests/unit/test_job \
	tests/unit/test_json \
	tests/unit/test_lean \
	tests/unit/test_leave \
	tests/unit/test_log \
	tests/unit/test_manifest \
	tests/unit/test_match \
	tests/unit/test_match_scan \
	tests/unit/test_mnt \
	tests/unit/test_notice \
	tests/unit/test_num \
	tests/unit/test_opt \
	tests/unit/test_pack \
	tests/unit/test_pack_features \
	tests/unit/test_pack_map \
	tests/unit/test_pack_pool \
	tests/unit/test_pack_tree \
	tests/unit/test_plan \
	tests/unit/test_priority \
	tests/unit/test_proc \
	tests/unit/test_progress \
	tests/unit/test_publish \
	tests/unit/test_relay \
	tests/unit/test_result \
	tests/unit/test_retention \
	tests/unit/test_schedule \
	tests/unit/test_seal \
	tests/unit/test_secret \
	tests/unit/test_settings \
	tests/unit/test_slot \
	tests/unit/test_source \
	tests/unit/test_spool \
	tests/unit/test_tree \
	tests/unit/test_unit \
	tests/unit/test_words

check_LIBRARIES = libscratch.a
libscratch_a_SOURCES = \
	tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/server.c tests/unit/server.h
LDADD = libscratch.a libagent.a libcommon.a $(CMOCKA_LIBS) $(LIBS_AGENT_LIBS) $(LIBS_COMMON_LIBS)
endif

if CONTROLLER
CONTROLLER_LDADD = libcontroller.a libcommon.a $(LIBS_CONTROLLER_LIBS) $(LIBS_COMMON_LIBS)
check_PROGRAMS += tests/aws/ask tests/aws/endpoints tests/aws/profiles tests/aws/services tests/aws/sign
tests_aws_ask_SOURCES = tests/aws/ask.c
tests_aws_ask_LDADD = $(CONTROLLER_LDADD)
tests_aws_endpoints_SOURCES = tests/aws/endpoints.c
tests_aws_endpoints_LDADD = $(CONTROLLER_LDADD)
tests_aws_profiles_SOURCES = tests/aws/profiles.c
tests_aws_profiles_LDADD = $(CONTROLLER_LDADD)
tests_aws_services_SOURCES = \
	tests/aws/services.c tests/aws/services.h \
	tests/aws/services_ebs.c \
	tests/aws/services_ec2.c \
	tests/aws/services_image.c \
	tests/aws/services_others.c
tests_aws_services_LDADD = $(CONTROLLER_LDADD)
tests_aws_sign_SOURCES = tests/aws/sign.c
tests_aws_sign_LDADD = $(CONTROLLER_LDADD)
check_PROGRAMS += tests/bake/drive tests/image/make tests/machines/drive
tests_bake_drive_SOURCES = tests/bake/drive.c
tests_bake_drive_LDADD = $(CONTROLLER_LDADD)
tests_image_make_SOURCES = tests/image/make.c
tests_image_make_LDADD = $(CONTROLLER_LDADD)
tests_machines_drive_SOURCES = tests/machines/drive.c
tests_machines_drive_LDADD = $(CONTROLLER_LDADD)
if HAVE_CMOCKA
check_PROGRAMS += \
	tests/unit/test_ami \
	tests/unit/test_arch \
	tests/unit/test_artifact \
	tests/unit/test_bake_gather \
	tests/unit/test_bake_step \
	tests/unit/test_base \
	tests/unit/test_call \
	tests/unit/test_credentials \
	tests/unit/test_debug \
	tests/unit/test_disk \
	tests/unit/test_ebs_former \
	tests/unit/test_ebs_index \
	tests/unit/test_ec2 \
	tests/unit/test_fault \
	tests/unit/test_freeze \
	tests/unit/test_image_manifest \
	tests/unit/test_image_name \
	tests/unit/test_journal \
	tests/unit/test_ladder \
	tests/unit/test_matrix \
	tests/unit/test_money \
	tests/unit/test_policy \
	tests/unit/test_profile \
	tests/unit/test_project \
	tests/unit/test_prove \
	tests/unit/test_qemu \
	tests/unit/test_query \
	tests/unit/test_retire \
	tests/unit/test_s3 \
	tests/unit/test_show \
	tests/unit/test_sigv4 \
	tests/unit/test_ssh \
	tests/unit/test_step \
	tests/unit/test_target \
	tests/unit/test_userdata \
	tests/unit/test_userdata_script \
	tests/unit/test_work_folder
AWS_CLIENT = tests/unit/aws_client.c tests/unit/aws_client.h
CONTROLLER_TEST = libscratch.a $(CONTROLLER_LDADD) $(CMOCKA_LIBS)
tests_unit_test_ami_LDADD = $(CONTROLLER_TEST)
tests_unit_test_arch_LDADD = $(CONTROLLER_TEST)
tests_unit_test_artifact_LDADD = $(CONTROLLER_TEST)
tests_unit_test_bake_gather_LDADD = $(CONTROLLER_TEST)
tests_unit_test_bake_step_LDADD = $(CONTROLLER_TEST)
tests_unit_test_base_LDADD = $(CONTROLLER_TEST)
tests_unit_test_call_SOURCES = tests/unit/test_call.c $(AWS_CLIENT)
tests_unit_test_call_LDADD = $(CONTROLLER_TEST)
tests_unit_test_credentials_LDADD = $(CONTROLLER_TEST)
tests_unit_test_debug_LDADD = $(CONTROLLER_TEST)
tests_unit_test_disk_LDADD = $(CONTROLLER_TEST)
tests_unit_test_ec2_SOURCES = tests/unit/test_ec2.c $(AWS_CLIENT)
tests_unit_test_ebs_former_LDADD = $(CONTROLLER_TEST)
tests_unit_test_ebs_index_LDADD = $(CONTROLLER_TEST)
tests_unit_test_ec2_LDADD = $(CONTROLLER_TEST)
tests_unit_test_fault_LDADD = $(CONTROLLER_TEST)
tests_unit_test_freeze_LDADD = $(CONTROLLER_TEST)
tests_unit_test_image_manifest_LDADD = $(CONTROLLER_TEST)
tests_unit_test_image_name_LDADD = $(CONTROLLER_TEST)
tests_unit_test_journal_LDADD = $(CONTROLLER_TEST)
tests_unit_test_ladder_LDADD = $(CONTROLLER_TEST)
tests_unit_test_matrix_LDADD = $(CONTROLLER_TEST)
tests_unit_test_money_LDADD = $(CONTROLLER_TEST)
tests_unit_test_policy_LDADD = $(CONTROLLER_TEST)
tests_unit_test_profile_LDADD = $(CONTROLLER_TEST)
tests_unit_test_project_LDADD = $(CONTROLLER_TEST)
tests_unit_test_prove_LDADD = $(CONTROLLER_TEST)
tests_unit_test_qemu_LDADD = $(CONTROLLER_TEST)
tests_unit_test_query_SOURCES = tests/unit/test_query.c $(AWS_CLIENT)
tests_unit_test_query_LDADD = $(CONTROLLER_TEST)
tests_unit_test_retire_LDADD = $(CONTROLLER_TEST)
tests_unit_test_s3_LDADD = $(CONTROLLER_TEST)
tests_unit_test_show_LDADD = $(CONTROLLER_TEST)
tests_unit_test_sigv4_LDADD = $(CONTROLLER_TEST)
tests_unit_test_ssh_LDADD = $(CONTROLLER_TEST)
tests_unit_test_step_LDADD = $(CONTROLLER_TEST)
tests_unit_test_target_LDADD = $(CONTROLLER_TEST)
tests_unit_test_userdata_LDADD = $(CONTROLLER_TEST)
tests_unit_test_userdata_script_LDADD = $(CONTROLLER_TEST)
tests_unit_test_work_folder_LDADD = $(CONTROLLER_TEST)
endif
endif

check_PROGRAMS += tests/hostile/damage
tests_hostile_damage_SOURCES = \
	tests/hostile/damage.c \
	tests/hostile/tree_sum.c tests/hostile/tree_sum.h
tests_hostile_damage_LDADD = libagent.a libcommon.a $(LIBS_AGENT_LIBS) $(LIBS_COMMON_LIBS)

# Of a build with clang and -fsanitize=fuzzer-no-link (tests/run fuzz).
EXTRA_PROGRAMS = fuzz_elf fuzz_frames fuzz_lean fuzz_unpack
FUZZ_LIBS = libagent.a libcommon.a $(LIBS_AGENT_LIBS) $(LIBS_COMMON_LIBS)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_elf_SOURCES = tests/fuzz/fuzz_elf.c
fuzz_elf_LDADD = $(FUZZ_LIBS)
fuzz_elf_LDFLAGS = $(FUZZ_LINK)
fuzz_frames_SOURCES = \
	tests/fuzz/fuzz_frames.c \
	tests/fuzz/forge.c tests/fuzz/forge.h \
	tests/fuzz/forge_entries.c tests/fuzz/forge_private.h \
	tests/hostile/tree_sum.c tests/hostile/tree_sum.h
fuzz_frames_LDADD = $(FUZZ_LIBS)
fuzz_frames_LDFLAGS = $(FUZZ_LINK)
fuzz_lean_SOURCES = tests/fuzz/fuzz_lean.c
fuzz_lean_LDADD = $(FUZZ_LIBS)
fuzz_lean_LDFLAGS = $(FUZZ_LINK)
fuzz_unpack_SOURCES = tests/fuzz/fuzz_unpack.c
fuzz_unpack_LDADD = $(FUZZ_LIBS)
fuzz_unpack_LDFLAGS = $(FUZZ_LINK)

FUZZERS = fuzz_elf fuzz_frames fuzz_lean fuzz_unpack
if CONTROLLER
EXTRA_PROGRAMS += fuzz_answer fuzz_project
fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c
fuzz_answer_LDADD = $(CONTROLLER_LDADD)
fuzz_answer_LDFLAGS = $(FUZZ_LINK)
fuzz_project_SOURCES = tests/fuzz/fuzz_project.c
fuzz_project_LDADD = $(CONTROLLER_LDADD)
fuzz_project_LDFLAGS = $(FUZZ_LINK)
FUZZERS += fuzz_answer fuzz_project
endif

fuzz: $(FUZZERS)

.PHONY: fuzz
