# SPDX-License-Identifier: Apache-2.0
"""Base images of Amazon Linux as AWS publishes them: what moto is to load, and their parameters."""

import hashlib
import json

AMAZON, ECS = "137112412989", "591542846629"
ARCHES = ("x86_64", "arm64")
DATES = ("20250731", "20250818")  # the last is the newest
GIB = {"ecs": 30, "base": 8}


def image_id(name):
    return "ami-0" + hashlib.sha256(name.encode()).hexdigest()[:16]


def names(date, arch):
    """(kind, name, parameters that lead to it while it is the newest)"""
    latest = "/aws/service/ami-amazon-linux-latest/"
    ecs = "/aws/service/ecs/optimized-ami/amazon-linux-"
    sub = "" if arch == "x86_64" else "/arm64"
    if arch == "x86_64":
        yield "base", f"amzn2-ami-hvm-2.0.{date}.0-{arch}-gp2", [f"{latest}amzn2-ami-hvm-{arch}-gp2"]
    yield ("base", f"amzn2-ami-kernel-5.10-hvm-2.0.{date}.0-{arch}-gp2",
           [f"{latest}amzn2-ami-kernel-5.10-hvm-{arch}-gp2"]
           + ([f"{latest}amzn2-ami-hvm-{arch}-gp2"] if arch == "arm64" else []))
    yield ("base", f"al2023-ami-2023.8.{date}.0-kernel-6.1-{arch}",
           [f"{latest}al2023-ami-kernel-6.1-{arch}"])
    yield ("base", f"al2023-ami-2023.8.{date}.0-kernel-6.12-{arch}",
           [f"{latest}al2023-ami-kernel-6.12-{arch}", f"{latest}al2023-ami-kernel-default-{arch}"])
    yield ("base", f"al2023-ami-minimal-2023.8.{date}.0-kernel-6.1-{arch}",
           [f"{latest}al2023-ami-minimal-kernel-6.1-{arch}"])
    if arch == "x86_64":
        yield "ecs", f"amzn2-ami-ecs-hvm-2.0.{date}-{arch}-ebs", [f"{ecs}2/recommended"]
    yield ("ecs", f"amzn2-ami-ecs-kernel-5.10-hvm-2.0.{date}-{arch}-ebs",
           [f"{ecs}2/kernel-5.10{sub}/recommended"] + ([f"{ecs}2/arm64/recommended"] if sub else []))
    yield ("ecs", f"al2023-ami-ecs-hvm-2023.0.{date}-kernel-6.1-{arch}", [f"{ecs}2023{sub}/recommended"])


def every():
    """(date, arch, kind, name, parameters)"""
    for date in DATES:
        for arch in ARCHES:
            for kind, name, parameters in names(date, arch):
                yield date, arch, kind, name, parameters


def for_moto():
    """The content of the file that MOTO_AMIS_PATH names."""
    found = []
    for date, arch, kind, name, _ in every():
        owner = ECS if kind == "ecs" else AMAZON
        found.append({
            "ami_id": image_id(name), "name": name, "architecture": arch, "owner_id": owner,
            "description": f"Amazon Linux {name}", "public": True, "hypervisor": "xen",
            "virtualization_type": "hvm", "state": "available", "root_device_type": "ebs",
            "root_device_name": "/dev/xvda", "sriov": "simple", "image_location": f"amazon/{name}",
            "creation_date": f"{date[:4]}-{date[4:6]}-{date[6:]}T17:54:38.000Z",
            "boot_mode": "uefi-preferred" if arch == "x86_64" else "uefi"})
    # A stranger's image with a name that a careless filter takes for Amazon's.
    found.append({**found[-1], "ami_id": image_id("stranger"), "owner_id": "210987654321",
                  "name": "al2023-ami-2023.9.20991231.0-kernel-6.1-x86_64", "architecture": "x86_64",
                  "creation_date": "2099-12-31T00:00:00.000Z"})
    return found


STRANGER = image_id("stranger")
SIZES = {image_id(name): GIB[kind] for _, _, kind, name, _ in every()}


def parameters():
    """{name: value}, each with the newest image."""
    found = {}
    for _, _, kind, name, paths in every():
        for path in paths:
            if kind == "base":
                found[path] = image_id(name)
                continue
            value = {"ecs_agent_version": "1.97.1", "ecs_runtime_version": "Docker version 25.0.8",
                     "image_id": image_id(name), "image_name": name, "image_version": name.split("-")[4],
                     "os": "Amazon Linux 2023" if "al2023" in name else "Amazon Linux 2",
                     "schema_version": 1, "source_image_name": name.replace("-ecs", "")}
            found[path] = json.dumps(value)
            found[f"{path}/image_id"] = image_id(name)
            found[f"{path}/image_name"] = name
    return found


PARAMETERS = parameters()


def parameter(name, region):
    kind = "aws:ec2:image" if PARAMETERS[name].startswith("ami-") else "text"
    return {"Name": name, "Type": "String", "Value": PARAMETERS[name], "Version": 84,
            "LastModifiedDate": 1755540000.0, "DataType": kind,
            "ARN": f"arn:aws:ssm:{region}::parameter{name}"}


def answer(action, form, region):
    """What SSM says about public parameters; None: it is not asked about one."""
    asked = [form.get("Name", "")] if action == "GetParameter" else form.get("Names", [])
    if action == "GetParametersByPath":
        path = form.get("Path", "").rstrip("/") + "/"
        if not path.startswith("/aws/service/"):
            return None
        deep = form.get("Recursive", False)
        found = [n for n in sorted(PARAMETERS) if n.startswith(path) and (deep or "/" not in n[len(path):])]
        return {"Parameters": [parameter(n, region) for n in found]}
    if action not in ("GetParameter", "GetParameters") or \
            not all(n.startswith("/aws/service/") for n in asked):
        return None
    known = [parameter(n, region) for n in asked if n in PARAMETERS]
    if action == "GetParameters":
        return {"Parameters": known, "InvalidParameters": [n for n in asked if n not in PARAMETERS]}
    return {"Parameter": known[0]} if known else {"error": "ParameterNotFound"}
