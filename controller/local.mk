# SPDX-License-Identifier: Apache-2.0
if CONTROLLER
noinst_LIBRARIES += libcontroller.a
libcontroller_a_SOURCES = \
	controller/arch.c controller/arch.h \
	controller/child.c controller/child.h \
	controller/cmd.h \
	controller/cmd_bake.c \
	controller/cmd_build.c \
	controller/cmd_gc.c \
	controller/cmd_ls.c \
	controller/cmd_plan.c \
	controller/cmd_retire.c \
	controller/cmd_test.c \
	controller/cmd_userdata.c \
	controller/cmd_validate.c \
	controller/money.c controller/money.h \
	controller/shell.c controller/shell.h \
	controller/show.c controller/show.h \
	controller/account/cloud.c controller/account/cloud.h \
	controller/account/gc.c controller/account/gc.h \
	controller/account/journal.c controller/account/journal.h \
	controller/account/resource.c controller/account/resource.h \
	controller/account/resource_price.c \
	controller/account/run.c controller/account/run.h \
	controller/aws/autoscaling.c controller/aws/autoscaling.h \
	controller/aws/base64.c controller/aws/base64.h \
	controller/aws/batch.c controller/aws/batch.h \
	controller/aws/call.c controller/aws/call.h \
	controller/aws/call_private.h \
	controller/aws/call_send.c \
	controller/aws/cred_common.c \
	controller/aws/cred_container.c \
	controller/aws/cred_instance.c \
	controller/aws/cred_private.h \
	controller/aws/cred_process.c \
	controller/aws/cred_role.c \
	controller/aws/cred_sso.c \
	controller/aws/cred_static.c \
	controller/aws/cred_web_identity.c \
	controller/aws/credentials.c controller/aws/credentials.h \
	controller/aws/debug.c controller/aws/debug.h \
	controller/aws/debug_body.c \
	controller/aws/debug_private.h \
	controller/aws/ebs.c controller/aws/ebs.h \
	controller/aws/ec2_device.c controller/aws/ec2_device.h \
	controller/aws/ec2_group.c controller/aws/ec2_group.h \
	controller/aws/ec2_image.c controller/aws/ec2_image.h \
	controller/aws/ec2_image_make.c controller/aws/ec2_image_make.h \
	controller/aws/ec2_instance.c controller/aws/ec2_instance.h \
	controller/aws/ec2_network.c controller/aws/ec2_network.h \
	controller/aws/ec2_run.c controller/aws/ec2_run.h \
	controller/aws/ec2_select.c controller/aws/ec2_select.h \
	controller/aws/ec2_spot.c controller/aws/ec2_spot.h \
	controller/aws/ec2_tag.c controller/aws/ec2_tag.h \
	controller/aws/ec2_template.c controller/aws/ec2_template.h \
	controller/aws/ec2_type.c controller/aws/ec2_type.h \
	controller/aws/ec2_volume.c controller/aws/ec2_volume.h \
	controller/aws/endpoint.c controller/aws/endpoint.h \
	controller/aws/fault.c controller/aws/fault.h \
	controller/aws/field.c controller/aws/field.h \
	controller/aws/iam.c controller/aws/iam.h \
	controller/aws/ini.c controller/aws/ini.h \
	controller/aws/instance.c controller/aws/instance.h \
	controller/aws/json_call.c controller/aws/json_call.h \
	controller/aws/list.c controller/aws/list.h \
	controller/aws/pricing.c controller/aws/pricing.h \
	controller/aws/profile.c controller/aws/profile.h \
	controller/aws/query.c controller/aws/query.h \
	controller/aws/quota.c controller/aws/quota.h \
	controller/aws/s3.c controller/aws/s3.h \
	controller/aws/s3_upload.c controller/aws/s3_upload.h \
	controller/aws/sigv4.c controller/aws/sigv4.h \
	controller/aws/sigv4_canonical.c \
	controller/aws/sigv4_private.h \
	controller/aws/ssm.c controller/aws/ssm.h \
	controller/aws/sts.c controller/aws/sts.h \
	controller/aws/transport.c controller/aws/transport.h \
	controller/aws/uri.c controller/aws/uri.h \
	controller/aws/xml.c controller/aws/xml.h \
	controller/build/artifact.c controller/build/artifact.h \
	controller/build/board.c controller/build/board.h \
	controller/build/build_print.c controller/build/build_print.h \
	controller/build/build_sources.c controller/build/build_sources.h \
	controller/build/dist.c controller/build/dist.h \
	controller/build/fleet.c controller/build/fleet.h \
	controller/build/fleet_private.h \
	controller/build/fleet_worker.c \
	controller/build/plan.c controller/build/plan.h \
	controller/build/plan_permission.c \
	controller/build/plan_private.h \
	controller/build/policy.c controller/build/policy.h \
	controller/build/report.c controller/build/report.h \
	controller/build/step.c controller/build/step.h \
	controller/build/worker.c controller/build/worker.h \
	controller/build/worker_doing.c \
	controller/build/worker_step.c controller/build/worker_step.h \
	controller/disk/disk.c controller/disk/disk.h \
	controller/disk/disk_base.c \
	controller/disk/disk_boot.c \
	controller/disk/disk_image.c \
	controller/disk/disk_mount.c \
	controller/disk/disk_part.c \
	controller/disk/disk_private.h \
	controller/disk/disk_room.c \
	controller/disk/disk_root.c \
	controller/disk/disk_tool.c \
	controller/disk/disk_tree.c \
	controller/disk/work_folder.c controller/disk/work_folder.h \
	controller/image/ami.c controller/image/ami.h \
	controller/image/ami_make.c \
	controller/image/ami_spread.c \
	controller/image/ami_wait.c \
	controller/image/bake.h \
	controller/image/bake_archive.c \
	controller/image/bake_container.c \
	controller/image/bake_ec2.c \
	controller/image/bake_file.c \
	controller/image/bake_fingerprint.c \
	controller/image/bake_gather.c \
	controller/image/bake_local.c \
	controller/image/bake_order.c controller/image/bake_order.h \
	controller/image/bake_plan.c \
	controller/image/bake_report.c controller/image/bake_report.h \
	controller/image/bake_room.c \
	controller/image/bake_rpm.c \
	controller/image/bake_run.c controller/image/bake_run.h \
	controller/image/bake_step.c controller/image/bake_step.h \
	controller/image/bake_wipe.c \
	controller/image/ebs_former.c \
	controller/image/ebs_index.c controller/image/ebs_index.h \
	controller/image/ebs_upload.c controller/image/ebs_upload.h \
	controller/image/ebs_upload_lane.c \
	controller/image/ebs_upload_private.h \
	controller/image/freeze.c controller/image/freeze.h \
	controller/image/image_bom.c \
	controller/image/image_copies.c controller/image/image_copies.h \
	controller/image/image_manifest.c controller/image/image_manifest.h \
	controller/image/image_name.c controller/image/image_name.h \
	controller/image/image_show.c controller/image/image_show.h \
	controller/image/image_test.c controller/image/image_test.h \
	controller/image/image_test_table.c \
	controller/image/image_use.c controller/image/image_use.h \
	controller/image/prove.c controller/image/prove.h \
	controller/image/prove_ami.c controller/image/prove_ami.h \
	controller/image/prove_file.c controller/image/prove_file.h \
	controller/image/retire.c controller/image/retire.h \
	controller/image/retire_copies.c \
	controller/image/retire_find.c \
	controller/image/rpm_lead.c controller/image/rpm_lead.h \
	controller/image/userdata_script.c controller/image/userdata_script.h \
	controller/machine/ec2_gate.c \
	controller/machine/ec2_offer.c \
	controller/machine/ec2_site.c controller/machine/ec2_site.h \
	controller/machine/ec2_watch.c \
	controller/machine/hire.c controller/machine/hire.h \
	controller/machine/keeper.c controller/machine/keeper.h \
	controller/machine/ladder.c controller/machine/ladder.h \
	controller/machine/local_root.c controller/machine/local_root.h \
	controller/machine/local_run.c controller/machine/local_run.h \
	controller/machine/local_users.c controller/machine/local_users.h \
	controller/machine/machine.h \
	controller/machine/machine_ec2.c controller/machine/machine_ec2.h \
	controller/machine/machine_ec2_instance.c \
	controller/machine/machine_ec2_private.h \
	controller/machine/machine_local.c controller/machine/machine_local.h \
	controller/machine/machine_qemu.c controller/machine/machine_qemu.h \
	controller/machine/machine_root.c controller/machine/machine_root.h \
	controller/machine/machine_ssh.c controller/machine/machine_ssh.h \
	controller/machine/machine_wait.c controller/machine/machine_wait.h \
	controller/machine/new_root.c controller/machine/new_root.h \
	controller/machine/qemu_boot.c controller/machine/qemu_boot.h \
	controller/machine/qemu_console.c controller/machine/qemu_console.h \
	controller/machine/qemu_guest.c controller/machine/qemu_guest.h \
	controller/machine/qemu_talk.c controller/machine/qemu_talk.h \
	controller/machine/qemu_words.c controller/machine/qemu_words.h \
	controller/machine/root_enter.c controller/machine/root_enter.h \
	controller/machine/script.h \
	controller/machine/ssh.c controller/machine/ssh.h \
	controller/machine/ssh_text.c \
	controller/machine/ssh_words.c controller/machine/ssh_words.h \
	controller/machine/sshkey.c controller/machine/sshkey.h \
	controller/machine/supply.c controller/machine/supply.h \
	controller/machine/userdata.c controller/machine/userdata.h \
	controller/project/base.c controller/project/base.h \
	controller/project/choice.c controller/project/choice.h \
	controller/project/image_spec.h \
	controller/project/matrix.c controller/project/matrix.h \
	controller/project/project.c controller/project/project.h \
	controller/project/project_check.c \
	controller/project/project_check_app.c \
	controller/project/project_image.c \
	controller/project/project_private.h \
	controller/project/project_read.c \
	controller/project/project_take.c \
	controller/project/project_take_aws.c \
	controller/project/project_take_image.c \
	controller/project/source.c controller/project/source.h \
	controller/project/target.c controller/project/target.h

bin_PROGRAMS += controller/controller
controller_controller_SOURCES = controller/main.c
controller_controller_LDADD = libcontroller.a libcommon.a $(LIBS_CONTROLLER_LIBS) $(LIBS_COMMON_LIBS)

# A script as a string; its comments are for those who read it here.
controller/image/userdata_boot.inc: controller/image/userdata_boot.sh
	$(AM_V_GEN)$(MKDIR_P) controller/image && sed -e 1d -e '/^[[:space:]]*#/d' -e '/^$$/d' \
		-e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $(srcdir)/controller/image/userdata_boot.sh >$@.new && mv $@.new $@
controller/image/userdata_script.$(OBJEXT): controller/image/userdata_boot.inc
CLEANFILES += controller/image/userdata_boot.inc
endif
EXTRA_DIST += controller/image/userdata_boot.sh
