# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libagent.a
libagent_a_SOURCES = \
	agent/archive.c agent/archive.h \
	agent/attend.c agent/attend.h \
	agent/azure.c \
	agent/cgroup.c agent/cgroup.h \
	agent/cmd.h \
	agent/cmd_cancel.c \
	agent/cmd_drain.c \
	agent/cmd_facts.c \
	agent/cmd_jobs.c \
	agent/cmd_pack.c \
	agent/cmd_plan.c \
	agent/cmd_prepare.c \
	agent/cmd_record.c \
	agent/cmd_release.c \
	agent/cmd_run_job.c \
	agent/cmd_run_unit.c \
	agent/cmd_seal.c \
	agent/cmd_status.c \
	agent/cmd_submit.c \
	agent/cmd_unpack.c \
	agent/cmd_verify.c \
	agent/cmd_watch.c \
	agent/compiler.c agent/compiler.h \
	agent/compiler_macros.c \
	agent/copy.c agent/copy.h \
	agent/cores.c agent/cores.h \
	agent/cpu.c agent/cpu.h \
	agent/cpu_arm.c agent/cpu_arm.h \
	agent/cpu_march.c \
	agent/cpu_x86.c agent/cpu_x86.h \
	agent/cpus.c agent/cpus.h \
	agent/dmi.c agent/dmi.h \
	agent/ecs.c agent/ecs.h \
	agent/elf.c agent/elf.h \
	agent/endpoint.c agent/endpoint.h \
	agent/executor.h agent/executor_process.c agent/executor_unit.c \
	agent/follow.c agent/follow.h \
	agent/gcp.c \
	agent/generator.c agent/generator.h \
	agent/generator_unit.c \
	agent/hooks.c agent/hooks.h \
	agent/hooks_find.c agent/hooks_find.h \
	agent/host.c agent/host.h \
	agent/identity.c agent/identity.h \
	agent/idset.c agent/idset.h \
	agent/imds.c agent/imds.h \
	agent/imds.c \
	agent/interrupt.c agent/interrupt.h \
	agent/interruption.c agent/interruption.h \
	agent/isa.h \
	agent/isa_decode.c \
	agent/isa_needs.c \
	agent/isa_sweep.c \
	agent/isa_table.h \
	agent/job.c agent/job.h \
	agent/job_words.c \
	agent/leave.c agent/leave.h \
	agent/listing.c agent/listing.h \
	agent/lock.c agent/lock.h \
	agent/manifest.c agent/manifest.h \
	agent/match.c agent/match.h \
	agent/match_judge.c \
	agent/metadata.c agent/metadata.h \
	agent/metrics.c agent/metrics.h \
	agent/mnt.c agent/mnt.h \
	agent/mnt_live.c \
	agent/mnt_options.c \
	agent/mnt_private.h \
	agent/notice.c agent/notice.h \
	agent/notice_plan.c \
	agent/notify.c agent/notify.h \
	agent/owner.c agent/owner.h \
	agent/pack.c agent/pack.h \
	agent/pack_attrs.c agent/pack_attrs.h \
	agent/pack_features.c agent/pack_features.h \
	agent/pack_frame.c agent/pack_frame.h \
	agent/pack_header.c agent/pack_header.h \
	agent/pack_map.c agent/pack_map.h \
	agent/pack_node.c agent/pack_node.h \
	agent/pack_pool.c agent/pack_pool.h \
	agent/pack_scan.c agent/pack_scan.h \
	agent/pack_walk.c agent/pack_walk.h \
	agent/plan.c agent/plan.h \
	agent/prepare.c agent/prepare.h \
	agent/prepare_apps.c \
	agent/prepare_jobs.c \
	agent/prepare_mount.c \
	agent/priority.c agent/priority.h \
	agent/publish.c agent/publish.h \
	agent/query.c \
	agent/queue.c agent/queue.h \
	agent/recorder.c agent/recorder.h \
	agent/recorder_env.c \
	agent/release.c agent/release.h \
	agent/result.c agent/result.h \
	agent/retention.c agent/retention.h \
	agent/rundir.c agent/rundir.h \
	agent/schedule.c agent/schedule.h \
	agent/seal.c agent/seal.h \
	agent/settings.c agent/settings.h agent/settings_private.h \
	agent/settings.c agent/settings.h \
	agent/settings_interrupt.c \
	agent/settings_jobs.c agent/settings_jobs.h \
	agent/slot.c agent/slot.h \
	agent/spawn.c agent/spawn.h \
	agent/spool.c agent/spool.h \
	agent/submit.c agent/submit.h \
	agent/unit_bus.c agent/unit_bus.h \
	agent/unit_bus_private.h \
	agent/unit_bus_start.c \
	agent/unit_bus_state.c \
	agent/unit_name.c agent/unit_name.h \
	agent/unit_props.c agent/unit_props.h \
	agent/unit_record.c agent/unit_record.h \
	agent/unit_runner.c agent/unit_runner.h \
	agent/unit_usage.c agent/unit_usage.h \
	agent/unpack/acl.c agent/unpack/acl.h \
	agent/unpack/ahead.c agent/unpack/ahead.h \
	agent/unpack/attrs.c agent/unpack/attrs.h \
	agent/unpack/beneath.c agent/unpack/beneath.h \
	agent/unpack/codec.c agent/unpack/codec.h \
	agent/unpack/codec_bz2.c \
	agent/unpack/codec_gz.c \
	agent/unpack/codec_lz4.c \
	agent/unpack/codec_xz.c \
	agent/unpack/codec_zst.c \
	agent/unpack/decoder.c agent/unpack/decoder.h \
	agent/unpack/dirs.c agent/unpack/dirs.h \
	agent/unpack/entry.c agent/unpack/entry.h \
	agent/unpack/frame.c agent/unpack/frame.h \
	agent/unpack/frames.c agent/unpack/frames.h \
	agent/unpack/frames_private.h \
	agent/unpack/frames_work.c \
	agent/unpack/fresh.c agent/unpack/fresh.h \
	agent/unpack/lean.c agent/unpack/lean.h \
	agent/unpack/links.c agent/unpack/links.h \
	agent/unpack/outline.c agent/unpack/outline.h \
	agent/unpack/plant.c agent/unpack/plant.h \
	agent/unpack/relay.c agent/unpack/relay.h \
	agent/unpack/source.c agent/unpack/source.h \
	agent/unpack/span.c agent/unpack/span.h \
	agent/unpack/stream.c agent/unpack/stream.h \
	agent/unpack/tar.c agent/unpack/tar.h \
	agent/unpack/tree.c agent/unpack/tree.h \
	agent/unpack/unpack.c agent/unpack/unpack.h \
	agent/unpack/xz_parts.c agent/unpack/xz_parts.h \
	agent/watch.c agent/watch.h \
	agent/watch_cancel.c \
	agent/watch_end.c \
	agent/watch_leave.c \
	agent/watch_private.h \
	agent/watch_queue.c \
	agent/watch_refuse.c \
	agent/watch_setup.c agent/watch_setup.h

bin_PROGRAMS += shared-prep
shared_prep_SOURCES = agent/main.c
shared_prep_LDADD = libagent.a libcommon.a $(LIBS_AGENT_LIBS) $(LIBS_COMMON_LIBS)
if STATIC
shared_prep_SOURCES += packaging/static/nonss.c
endif
