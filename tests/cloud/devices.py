# SPDX-License-Identifier: Apache-2.0
"""Devices of images and instances, as requests and answers have them."""

import copy

from moto.ec2.exceptions import EC2ClientError


def tags_for(call, kind):
    """{key: value} of the request for resources of this kind."""
    return {tag["Key"]: tag["Value"] for spec in call._get_param("TagSpecifications", [])
            if spec["ResourceType"] == kind for tag in spec["Tags"]}


def default_key(backend):
    """The account's own for disks."""
    return f"arn:aws:kms:{backend.region_name}:{backend.account_id}:key/00000000-0000-4000-8000-000000000000"


def check_key(key, encrypted):
    if key and not encrypted:
        raise EC2ClientError("InvalidParameterDependency",
                             "The parameter [KmsKeyId] requires the parameter Encrypted to be set.")


def in_use_by(backend, name):
    """The id of an image whose disk that snapshot is, or None."""
    return next((i.id for i in backend.amis.values()
                 if any(d["Ebs"].get("SnapshotId") == name for d in i.block_device_mappings)), None)


def merged(devices, wanted):
    """Devices of an image with what a request says of them; its further ones come after them."""
    wanted = {d["DeviceName"]: d for d in wanted}
    found = []
    for device in devices:
        more = wanted.pop(device["DeviceName"], {})
        if more.get("NoDevice") is None:
            found.append({**device, "Ebs": {**device["Ebs"], **more.get("Ebs", {})}})
    return found + [copy.deepcopy(d) for d in wanted.values() if d.get("NoDevice") is None and "Ebs" in d]


def check_sizes(backend, devices):
    for device in devices:
        snapshot = backend.snapshots.get(device["Ebs"].get("SnapshotId"))
        size = device["Ebs"].get("VolumeSize")
        if snapshot and size is not None and int(size) < snapshot.volume_size:
            raise EC2ClientError(
                "InvalidBlockDeviceMapping", f"Volume of size {size}GB is smaller than snapshot "
                f"'{snapshot.id}', expect size >= {snapshot.volume_size}GB")
