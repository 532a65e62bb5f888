# SPDX-License-Identifier: Apache-2.0
"""Images as EC2 has them: made of instances and snapshots, copied, shared, deprecated, taken away."""

import copy
import re
import types

import moto.ec2.models.amis as models
import moto.ec2.responses.amis as calls
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError
from moto.ec2.models import ec2_backends
from moto.ec2.utils import random_ami_id

import images
from devices import check_key, check_sizes, default_key, in_use_by, merged, tags_for

NAME = re.compile(r"[A-Za-z0-9()\[\] ./'@_-]{3,128}")
UNAVAILABLE = "InvalidAMIID.Unavailable"
INHERITED = ("architecture", "virtualization_type", "hypervisor", "boot_mode", "imds_support", "tpm_support",
             "ena_support", "sriov", "platform", "kernel_id", "root_device_name")


class Image(models.Ami):
    """One of the account's own. devices: as DescribeImages shows them, the root first"""

    __module__ = models.__name__  # moto takes the service from it

    def __init__(self, backend, name, description, devices, looks):  # pylint: disable=super-init-not-called
        self.ec2_backend = backend
        self.id = random_ami_id()
        self.name = name
        self.description = description
        self.devices = devices
        self.lab_left = looks
        self.state = "pending"
        self.state_reason = None
        self.fails = ""
        self.owner_id = backend.account_id
        self.owner_alias = None
        self.image_type = "machine"
        self.image_location = f"{self.owner_id}/{name}"
        self.root_device_type = "ebs"
        self.creation_date = models.utcnow()
        self.product_codes = set()
        self.launch_permissions = []
        self.instance_id = self.source_image_id = self.source_image_region = self.deprecation_time = None
        for member in INHERITED:
            setattr(self, member, None)
        self.hypervisor = "xen"
        self.making = []  # snapshots that are complete when the image is
        self.ebs_snapshot = backend.snapshots[devices[0]["Ebs"]["SnapshotId"]]

    def inherit(self, other):
        for member in INHERITED:
            setattr(self, member, getattr(other, member, None))

    def step(self):
        """One describe further."""
        if self.state != "pending":
            return
        if self.lab_left > 0:
            self.lab_left -= 1
        elif self.fails:
            self.state = "failed"
            self.state_reason = types.SimpleNamespace(code="Server.InternalError", message=self.fails)
        else:
            self.state = "available"
            for snapshot in self.making:
                snapshot.complete()

    def get_filter_value(self, filter_name, method_name=None):
        if filter_name == "block-device-mapping.snapshot-id":
            return [d["Ebs"]["SnapshotId"] for d in self.block_device_mappings]
        return super().get_filter_value(filter_name, method_name)


Image.block_device_mappings = property(lambda image: image.devices)


def of_base(image):
    """The mapping of one of Amazon's."""
    return [{"DeviceName": image.root_device_name, "Ebs": {
        "SnapshotId": image.ebs_snapshot.id, "VolumeSize": images.SIZES.get(image.id, 8),
        "DeleteOnTermination": True, "VolumeType": "gp3", "Encrypted": False}}]


class Images:
    """Patches moto once. life: lifecycle.Lifecycle, which knows what is frozen and unseen"""

    def __init__(self, life):
        self.life = life
        self.knobs = life.knobs
        self.workers = life.workers
        self.disks = life.workers.disks
        models.Ami.block_device_mappings = property(of_base)
        self.patch_loading()
        describe = calls.AmisResponse.describe_images

        def ticking(call):
            if not self.life.frozen:
                for image in call.ec2_backend.amis.values():
                    if isinstance(image, Image):
                        image.step()
            return describe(call)

        calls.AmisResponse.describe_images = ticking
        for name in ("create_image", "register_image", "copy_image", "deregister_image",
                     "enable_image_deprecation", "disable_image_deprecation", "modify_image_attribute"):
            setattr(calls.AmisResponse, name, self.call_of(getattr(self, name),
                                                           getattr(calls.AmisResponse, name, None)))

    @staticmethod
    def call_of(mine, theirs):
        return lambda call: mine(call, theirs)

    @staticmethod
    def patch_loading():
        load, pristine = models.AmiBackend._load_amis, copy.deepcopy(models.AMIS)

        def loaded(backend):
            models.AMIS = copy.deepcopy(pristine)  # loading changes it
            load(backend)
            for image in backend.amis.values():
                image.ena_support = True
                image.ebs_snapshot.volume.size = images.SIZES.get(image.id, 8)
                if image.id == images.STRANGER:
                    image.owner_alias = None

        models.AmiBackend._load_amis = loaded

    @staticmethod
    def check_name(backend, name):
        if not name:
            raise EC2ClientError("MissingParameter", "The request must contain the parameter name")
        if not NAME.fullmatch(name):
            raise EC2ClientError("InvalidAMIName.Malformed", f"AMI name '{name}' is not valid")
        for image in backend.amis.values():
            if image.name == name and image.owner_id == backend.account_id:
                raise EC2ClientError("InvalidAMIName.Duplicate",
                                     f"AMI name {name} is already in use by AMI {image.id}")

    @staticmethod
    def own(call):
        """The image that the request names, which must be the account's."""
        name = call._get_param("ImageId")
        image = call.ec2_backend.amis.get(name)
        if not image:
            if name in call.ec2_backend.deleted_amis:
                raise EC2ClientError(UNAVAILABLE, f"The image id '[{name}]' is no longer available")
            raise InvalidAMIIdError(name)
        if not isinstance(image, Image):
            raise EC2ClientError("AuthFailure", f"Not authorized for image:{name}")
        return image

    def add(self, call, name, devices, **members):
        """A new one, with the tags of the request."""
        backend = call.ec2_backend
        image = Image(backend, name, call._get_param("Description", ""), devices, self.knobs["image_pending"])
        image.fails = self.knobs["image_fails"]
        for member, value in members.items():
            setattr(image, member, value)
        backend.amis[image.id] = image
        image.add_tags(tags_for(call, "image"))
        self.life.born(image.id)
        return image

    def create_image(self, call, _):
        backend, name = call.ec2_backend, call._get_param("Name")
        instance = backend.get_instance(call._get_param("InstanceId"))
        if instance._state.name not in ("running", "stopped"):
            raise EC2ClientError("IncorrectState", f"Instance is not in state 'running' or 'stopped': {instance.id}")
        self.check_name(backend, name)
        call.error_on_dryrun()
        if str(call._get_param("NoReboot", False)).lower() != "true" and instance._state.name == "running":
            self.workers.reboot(instance.id)
        devices, made = [], []
        for device, block in instance.block_device_mapping.items():
            volume = backend.volumes[block.volume_id]
            snapshot = backend.create_snapshot(volume.id, f"Created by CreateImage({instance.id})")
            snapshot.add_tags(tags_for(call, "snapshot"))
            made.append(snapshot)
            ebs = {"SnapshotId": snapshot.id, "VolumeSize": volume.size, "VolumeType": volume.volume_type,
                   "Iops": volume.iops, "Throughput": volume.throughput, "Encrypted": volume.encrypted,
                   "DeleteOnTermination": block.delete_on_termination}
            devices.append({"DeviceName": device, "Ebs": {k: v for k, v in ebs.items() if v is not None}})
        devices.sort(key=lambda d: d["DeviceName"] != instance.root_device_name)
        image = self.add(call, name, merged(devices, call._get_param("BlockDeviceMappings", [])),
                         making=made, instance_id=instance.id)
        base = backend.amis.get(instance.image_id)
        image.inherit(base or instance)
        image.architecture, image.root_device_name = instance.architecture, instance.root_device_name
        for snapshot in made:
            snapshot.description = f"Created by CreateImage({instance.id}) for {image.id}"
        return ActionResult({"ImageId": image.id})

    def register_image(self, call, _):
        backend, get = call.ec2_backend, call._get_param
        self.check_name(backend, get("Name"))
        devices = [copy.deepcopy(d) for d in get("BlockDeviceMappings", []) if "Ebs" in d]
        root = get("RootDeviceName")
        devices.sort(key=lambda d: d["DeviceName"] != root)
        if not root or not devices or devices[0]["DeviceName"] != root or "SnapshotId" not in devices[0]["Ebs"]:
            raise EC2ClientError("InvalidBlockDeviceMapping", "No snapshot is given for the root device")
        for device in devices:
            ebs = device["Ebs"]
            if "SnapshotId" not in ebs:
                continue
            snapshot = backend.get_snapshot(ebs["SnapshotId"])
            if snapshot.status != "completed":
                raise EC2ClientError("IncorrectState", f"Snapshot '{snapshot.id}' is not 'completed'.")
            if "Encrypted" in ebs:
                raise EC2ClientError("InvalidBlockDeviceMapping", "the encrypted flag cannot be specified since "
                                     f"device {device['DeviceName']} has a snapshot specified.")
            ebs.setdefault("VolumeSize", snapshot.volume_size)
            ebs.setdefault("DeleteOnTermination", True)
            ebs.setdefault("VolumeType", "gp2")
            ebs["Encrypted"] = snapshot.encrypted
        check_sizes(backend, devices)
        call.error_on_dryrun()
        image = self.add(call, get("Name"), devices, root_device_name=root, architecture=get("Architecture", "i386"),
                         virtualization_type=get("VirtualizationType", "paravirtual"), boot_mode=get("BootMode"),
                         imds_support=get("ImdsSupport"), tpm_support=get("TpmSupport"),
                         sriov=get("SriovNetSupport"),
                         ena_support=str(get("EnaSupport", False)).lower() == "true")
        return ActionResult({"ImageId": image.id})

    def copy_image(self, call, _):
        backend, get = call.ec2_backend, call._get_param
        source_backend = ec2_backends[backend.account_id][get("SourceRegion")]
        source = source_backend.amis.get(get("SourceImageId"))
        if not source:
            raise InvalidAMIIdError(get("SourceImageId"))
        if source.state != "available":
            raise EC2ClientError(UNAVAILABLE, f"The image '{source.id}' is not available")
        self.check_name(backend, get("Name"))
        encrypted = str(get("Encrypted", False)).lower() == "true"
        check_key(get("KmsKeyId"), encrypted)
        call.error_on_dryrun()
        devices, made = copy.deepcopy(source.block_device_mappings), []
        for device in devices:
            ebs = device["Ebs"]
            old = source_backend.snapshots.get(ebs.get("SnapshotId"))
            if not old:
                continue
            new = backend.lab_snapshot(
                old.volume_size, f"Copied for DestinationAmi from SourceAmi {source.id} for SourceSnapshot {old.id}",
                encrypted or old.encrypted, get("KmsKeyId") or default_key(backend))
            new.add_tags(tags_for(call, "snapshot"))
            self.disks.copy(old.id, new.id)
            made.append(new)
            ebs.update(SnapshotId=new.id, Encrypted=new.encrypted)
        image = self.add(call, get("Name"), devices, making=made, source_image_id=source.id,
                         source_image_region=source_backend.region_name)
        image.description = image.description or source.description
        image.inherit(source)
        if str(get("CopyImageTags", False)).lower() == "true":
            image.add_tags({t["key"]: t["value"] for t in source.get_tags() if not t["key"].startswith("aws:")})
        return ActionResult({"ImageId": image.id})

    def deregister_image(self, call, _):
        backend, image = call.ec2_backend, self.own(call)
        call.error_on_dryrun()
        backend.deregister_image(image.id)
        results = []
        if str(call._get_param("DeleteAssociatedSnapshots", False)).lower() == "true":
            for name in [d["Ebs"]["SnapshotId"] for d in image.devices if "SnapshotId" in d["Ebs"]]:
                if name not in backend.snapshots:
                    continue
                skipped = in_use_by(backend, name)
                if not skipped:
                    backend.delete_snapshot(name)
                results.append({"SnapshotId": name, "ReturnCode": "skipped" if skipped else "success"})
        return ActionResult({"Return": True, "DeleteSnapshotResults": results})

    def enable_image_deprecation(self, call, _):
        image, when = self.own(call), call._get_param("DeprecateAt")
        if not when:
            raise EC2ClientError("MissingParameter", "The request must contain the parameter DeprecateAt")
        call.error_on_dryrun()
        # To the minute, as documented.
        image.deprecation_time = f"{str(when).replace(' ', 'T')[:16]}:00.000Z"
        return ActionResult({"Return": True})

    def disable_image_deprecation(self, call, _):
        image = self.own(call)
        call.error_on_dryrun()
        image.deprecation_time = None
        return ActionResult({"Return": True})

    def modify_image_attribute(self, call, modify):
        image = self.own(call)
        if image.state != "available":
            raise EC2ClientError(UNAVAILABLE, f"The image '{image.id}' is not available")
        added = call._get_param("LaunchPermission", {}).get("Add") or call._get_param("OperationType") == "add"
        mine = [image.ec2_backend.snapshots[d["Ebs"]["SnapshotId"]] for d in image.devices]
        if added and any(s.has_default_key() for s in mine):
            raise EC2ClientError("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. "
                                                     "Specify another snapshot.")
        result = modify(call)
        for field, member in (("Description", "description"), ("ImdsSupport", "imds_support")):
            value = call._get_param(field, {})
            value = value.get("Value") if isinstance(value, dict) else value
            if value is not None:
                setattr(image, member, value)
        return result
