# SPDX-License-Identifier: Apache-2.0
"""Volumes of a new instance: as its image has them, with what the request says."""

import moto.ec2.models.instances as instances
import moto.ec2.responses.instances as instance_calls
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from devices import check_key, check_sizes, default_key, merged


def check_image(image, kind):
    """May an instance of this type start from it?"""
    if image.state != "available":
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image id '[{image.id}]' is not available")
    allowed = INSTANCE_TYPES.get(kind, {}).get("ProcessorInfo", {}).get("SupportedArchitectures")
    if allowed and image.architecture not in allowed:
        raise EC2ClientError(
            "InvalidParameterValue", f"The architecture '{','.join(allowed)}' of the specified instance type does not "
            f"match the architecture '{image.architecture}' of the specified AMI.")


def fit(backend, image, asked):
    """The devices of an instance."""
    devices = merged(image.block_device_mappings, asked)
    check_sizes(backend, devices)
    for device in devices:
        ebs = device["Ebs"]
        check_key(ebs.get("KmsKeyId"), ebs.get("Encrypted"))
        if ebs.get("Encrypted"):
            ebs.setdefault("KmsKeyId", default_key(backend))
    return devices


def patch():
    """moto, once."""
    run = instances.InstanceBackend.run_instances

    def filled(backend, image_id, count, user_data, security_group_names, **more):
        image, devices = backend.amis.get(image_id), []
        if image:
            check_image(image, more["instance_type"])
            devices = fit(backend, image, more.get("block_device_mappings", []))
            more["block_device_mappings"] = devices
        made = run(backend, image_id, count, user_data, security_group_names, **more)
        for instance in made.instances:
            for device in devices:
                volume = backend.volumes[instance.block_device_mapping[device["DeviceName"]].volume_id]
                volume.iops = device["Ebs"].get("Iops") or volume.iops
                volume.throughput = device["Ebs"].get("Throughput") or (
                    125 if volume.volume_type == "gp3" else None)
        return made

    def parsed(call):
        rows = call._get_param("BlockDeviceMappings", [])
        for row in rows:
            call._validate_block_device_mapping(row)
        return rows

    instances.InstanceBackend.run_instances = filled
    instance_calls.InstanceResponse._parse_block_device_mapping = parsed
