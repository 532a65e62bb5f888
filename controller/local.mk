# SPDX-License-Identifier: Apache-2.0
if CONTROLLER
noinst_LIBRARIES += libcontroller.a
libcontroller_a_SOURCES = \
	controller/ami.c controller/ami.h \
	controller/ami_make.c \
	controller/ami_spread.c \
	controller/ami_wait.c \
	controller/arch.c controller/arch.h \
	controller/artifact.c controller/artifact.h \
	controller/bake.h \
	controller/bake_archive.c \
	controller/bake_container.c \
	controller/bake_ec2.c \
	controller/bake_file.c \
	controller/bake_fingerprint.c \
	controller/bake_gather.c \
	controller/bake_local.c \
	controller/bake_order.c controller/bake_order.h \
	controller/bake_plan.c \
	controller/bake_report.c controller/bake_report.h \
	controller/bake_room.c \
	controller/bake_rpm.c \
	controller/bake_run.c controller/bake_run.h \
	controller/bake_step.c controller/bake_step.h \
	controller/bake_wipe.c \
	controller/base.c controller/base.h \
	controller/board.c controller/board.h \
	controller/build_print.c controller/build_print.h \
	controller/build_sources.c controller/build_sources.h \
	controller/child.c controller/child.h \
	controller/choice.c controller/choice.h \
	controller/cloud.c controller/cloud.h \
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
	controller/disk.c controller/disk.h \
	controller/disk_base.c \
	controller/disk_boot.c \
	controller/disk_image.c \
	controller/disk_mount.c \
	controller/disk_part.c \
	controller/disk_private.h \
	controller/disk_room.c \
	controller/disk_root.c \
	controller/disk_tool.c \
	controller/disk_tree.c \
	controller/dist.c controller/dist.h \
	controller/ebs_former.c \
	controller/ebs_index.c controller/ebs_index.h \
	controller/ebs_upload.c controller/ebs_upload.h \
	controller/ebs_upload_lane.c \
	controller/ebs_upload_private.h \
	controller/ec2_gate.c \
	controller/ec2_offer.c \
	controller/ec2_site.c controller/ec2_site.h \
	controller/ec2_watch.c \
	controller/fleet.c controller/fleet.h \
	controller/fleet_private.h \
	controller/fleet_worker.c \
	controller/freeze.c controller/freeze.h \
	controller/gc.c controller/gc.h \
	controller/hire.c controller/hire.h \
	controller/image_bom.c \
	controller/image_copies.c controller/image_copies.h \
	controller/image_manifest.c controller/image_manifest.h \
	controller/image_name.c controller/image_name.h \
	controller/image_show.c controller/image_show.h \
	controller/image_spec.h \
	controller/image_test.c controller/image_test.h \
	controller/image_test_table.c \
	controller/image_use.c controller/image_use.h \
	controller/journal.c controller/journal.h \
	controller/keeper.c controller/keeper.h \
	controller/ladder.c controller/ladder.h \
	controller/local_root.c controller/local_root.h \
	controller/local_run.c controller/local_run.h \
	controller/local_users.c controller/local_users.h \
	controller/machine.h \
	controller/machine_ec2.c controller/machine_ec2.h \
	controller/machine_ec2_instance.c \
	controller/machine_ec2_private.h \
	controller/machine_local.c controller/machine_local.h \
	controller/machine_qemu.c controller/machine_qemu.h \
	controller/machine_root.c controller/machine_root.h \
	controller/machine_ssh.c controller/machine_ssh.h \
	controller/machine_wait.c controller/machine_wait.h \
	controller/matrix.c controller/matrix.h \
	controller/money.c controller/money.h \
	controller/new_root.c controller/new_root.h \
	controller/plan.c controller/plan.h \
	controller/plan_permission.c \
	controller/plan_private.h \
	controller/policy.c controller/policy.h \
	controller/project.c controller/project.h \
	controller/project_check.c \
	controller/project_check_app.c \
	controller/project_image.c \
	controller/project_private.h \
	controller/project_read.c \
	controller/project_take.c \
	controller/project_take_aws.c \
	controller/project_take_image.c \
	controller/prove.c controller/prove.h \
	controller/prove_ami.c controller/prove_ami.h \
	controller/prove_file.c controller/prove_file.h \
	controller/qemu_boot.c controller/qemu_boot.h \
	controller/qemu_console.c controller/qemu_console.h \
	controller/qemu_guest.c controller/qemu_guest.h \
	controller/qemu_talk.c controller/qemu_talk.h \
	controller/qemu_words.c controller/qemu_words.h \
	controller/report.c controller/report.h \
	controller/resource.c controller/resource.h \
	controller/resource_price.c \
	controller/retire.c controller/retire.h \
	controller/retire_copies.c \
	controller/retire_find.c \
	controller/root_enter.c controller/root_enter.h \
	controller/rpm_lead.c controller/rpm_lead.h \
	controller/run.c controller/run.h \
	controller/script.h \
	controller/shell.c controller/shell.h \
	controller/show.c controller/show.h \
	controller/source.c controller/source.h \
	controller/ssh.c controller/ssh.h \
	controller/ssh_text.c \
	controller/ssh_words.c controller/ssh_words.h \
	controller/sshkey.c controller/sshkey.h \
	controller/step.c controller/step.h \
	controller/supply.c controller/supply.h \
	controller/target.c controller/target.h \
	controller/userdata.c controller/userdata.h \
	controller/userdata_script.c controller/userdata_script.h \
	controller/work_folder.c controller/work_folder.h \
	controller/worker.c controller/worker.h \
	controller/worker_doing.c \
	controller/worker_step.c controller/worker_step.h \
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
	controller/aws/xml.c controller/aws/xml.h

bin_PROGRAMS += controller/controller
controller_controller_SOURCES = controller/main.c
controller_controller_LDADD = libcontroller.a libcommon.a $(LIBS_CONTROLLER_LIBS) $(LIBS_COMMON_LIBS)

# A script as a string; its comments are for those who read it here.
controller/userdata_boot.inc: controller/userdata_boot.sh
	$(AM_V_GEN)$(MKDIR_P) controller && sed -e 1d -e '/^[[:space:]]*#/d' -e '/^$$/d' \
		-e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $(srcdir)/controller/userdata_boot.sh >$@.new && mv $@.new $@
controller/userdata_script.$(OBJEXT): controller/userdata_boot.inc
CLEANFILES += controller/userdata_boot.inc
endif
EXTRA_DIST += controller/userdata_boot.sh
