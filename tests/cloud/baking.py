# SPDX-License-Identifier: Apache-2.0
"""For cases that bake: what came to be, what was asked for, and how the account is cleared of it."""

import datetime

import witness
from controller import changes

FAR = "us-west-2"
FRIEND = "210987654321"
TODAY = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
# One machine, of one type, that is there at once.
CALM = {"pending": 0, "shutting_down": 0, "image_pending": 0, "snapshot_pending": 0, "roots": "*"}
TARGET = """
[target x86-64-v2]
types=c6a.xlarge
"""
LOOKS = ("Describe", "Get", "List")


def kinds(left):
    """How many of each kind: {"Images": 2}"""
    names = [x.split()[0] for x in left]
    return {name: names.count(name) for name in names}


def forget(lab):
    """Takes all images and snapshots away, of both regions."""
    for ec2 in (lab.client(), lab.client(region_name=FAR)):
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            ec2.deregister_image(ImageId=image["ImageId"])
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


def asked(lab, since, action):
    """The requests of that action that were more than a dry run."""
    return [e for e in lab.log()[since:] if e["action"] == action and e["form"].get("DryRun") != "true"]


def changing(lab, since):
    """The actions that changed something, in their order."""
    return [e["action"] for e in lab.log()[since:]
            if not e["action"].startswith(LOOKS) and e["form"].get("DryRun") != "true"]


def check_whole(before, where=""):
    """All that came to be is images that are kept, each with its snapshots; how many images."""
    left = changes(before)
    images = [x.split()[1:] for x in left if x.startswith("Images ")]
    snapshots = {x.split()[1] for x in left if x.startswith("Snapshots ")}
    assert len(left) == len(images) + len(snapshots), (where, left)
    for found in (witness.image(*image) for image in images):
        assert found["State"] == "available" and "shared-prep:keep" in found["Tags"], (where, found)
        for snapshot in found["Snapshots"]:
            assert "shared-prep:keep" in snapshot["Tags"], (where, snapshot)
            snapshots.remove(snapshot["SnapshotId"])
    assert not snapshots, (where, snapshots)
    return len(images)
