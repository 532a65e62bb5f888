# SPDX-License-Identifier: Apache-2.0
"""An image is baked on an instance, copied, shared and kept; the rest of the account is as before."""

import datetime
import json

import witness
from controller import Baking, changes
from lab import case, finish

FAR = "us-west-2"
FRIEND = "210987654321"
CONFIG, REMOTE = 3, 6  # exit codes: set wrongly; refused
TODAY = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def kinds(left):
    """How many of each kind came to be: {"Images": 2}"""
    return {kind: sum(x.split()[0] == kind for x in left) for kind in {x.split()[0] for x in left}}


def forget(lab):
    """Takes all images and snapshots away, of both regions."""
    for ec2 in (lab.client(), lab.client(region_name=FAR)):
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            ec2.deregister_image(ImageId=image["ImageId"])
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


def check_image(image, name, project):
    """As the project wants it, by boto3."""
    assert image["State"] == "available" and image["Name"] == name, image
    assert image["ImdsSupport"] == "v2.0" and image["Architecture"] == "x86_64", image
    assert image["RootDeviceName"] == "/dev/xvda" and image["EnaSupport"], image
    disk = image["BlockDeviceMappings"][0]["Ebs"]
    assert disk["VolumeType"] == "gp3" and disk.get("Iops", 3000) == 3000, disk
    assert image["Accounts"] == [FRIEND] and image["DeprecationTime"], image
    for tags in (image["Tags"], *(s["Tags"] for s in image["Snapshots"])):
        assert tags["shared-prep:keep"] and tags["shared-prep:project"] == "hello", tags
        assert tags["shared-prep:inputs"] == project.baked()["inputs"] and tags["team"] == "a", tags
        assert "shared-prep:expires" not in tags, tags
    assert all(s["State"] == "completed" and s["Accounts"] == [FRIEND] for s in image["Snapshots"])


@case("an image, its copy, and nothing else is left")
def full(lab):
    before = witness.everything()
    project = Baking(lab, f"regions={FAR}\naccounts={FRIEND}\ndeprecate=90d\n", aws="tags=team=a")
    out, err = project.bake()
    name, ami = f"hello-{TODAY}", out.strip().removeprefix("custom_ami=")
    report = project.baked()
    assert report["ami"] == ami and [c["region"] for c in report["copies"]] == ["us-east-1", FAR]
    check_image(witness.image(ami), name, project)
    check_image(witness.image(report["copies"][1]["ami"], FAR), name, project)
    left = changes(before)
    assert kinds(left) == {"Images": 2, "Snapshots": 2}, left
    assert witness.by_cli() + witness.by_cli(FAR) and not project.runs(), project.runs()
    assert "%" not in out and "wipe-check" in err, err
    manifest = (project.dist / f"images/{name}.manifest").read_text("ascii")
    assert "usr/local/data/hello_x86-64-v2.tar.zst" in manifest and "usr/bin/shared-prep" in manifest
    assert json.loads((project.dist / f"images/{name}.cdx.json").read_text("utf-8"))["specVersion"] == "1.5"
    forget(lab)


@case("one of the same inputs will do; another gets the next name")
def again(lab):
    project = Baking(lab)
    first, _ = project.bake()
    requests = lab.tell()["requests"]
    assert project.bake("--if-changed")[0] == first
    assert all(entry["action"].startswith(("Describe", "GetParameter", "GetCaller"))
               for entry in lab.log()[requests:])
    project.archive("other")
    second, _ = project.bake("--if-changed")
    assert second != first
    found = lab.client().describe_images(Owners=["self"])["Images"]
    assert sorted(i["Name"] for i in found) == [f"hello-{TODAY}", f"hello-{TODAY}-2"], found
    forget(lab)


finish()
