# SPDX-License-Identifier: Apache-2.0
"""The controller is killed after each of its requests, its answer lost: gc leaves the account as it
was, or with images that are whole and kept. CLOUD_FULL=1: before each, too."""

import os

import witness
from controller import Baking, changes, killed_at
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0, "image_pending": 0, "snapshot_pending": 0, "roots": "*"}
WHEN = ("before", "after") if os.environ.get("CLOUD_FULL") else ("after",)
FAR = "us-west-2"
TARGET = """
[target x86_64]
types=c6a.xlarge
"""


def forget(lab):
    for ec2 in (lab.client(), lab.client(region_name=FAR)):
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            ec2.deregister_image(ImageId=image["ImageId"])
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


def whole(left, where):
    """All that is left is images that are kept, with their snapshots."""
    images = [x.split()[1:] for x in left if x.startswith("Images ")]
    snapshots = {x.split()[1] for x in left if x.startswith("Snapshots ")}
    assert len(left) == len(images) + len(snapshots), (where, left)
    for found in (witness.image(*image) for image in images):
        assert found["State"] == "available" and "shared-prep:keep" in found["Tags"], (where, found)
        for snapshot in found["Snapshots"]:
            assert "shared-prep:keep" in snapshot["Tags"], (where, snapshot)
            snapshots.remove(snapshot["SnapshotId"])
    assert not snapshots, (where, snapshots)


def kill_at_each(lab, when, words, prepare):
    """How many requests there were. prepare: a project for the command, each time"""
    number, killed = 0, True
    while killed:
        number += 1
        lab.tell(knobs=CALM)
        project, before = prepare()
        killed = killed_at(lab, project, number, when, words)
        project.collect()
        where = (words, number, when, lab.log()[-1]["action"])
        assert not project.runs(), (where, project.runs())
        whole(changes(before), where)
        forget(lab)
    return number - 1


def new_project(lab):
    return Baking(lab, f"regions={FAR}\n" + TARGET), witness.everything()


@case("bake")
def bake(lab):
    for when in WHEN:
        assert kill_at_each(lab, when, ("bake", "-q"), lambda: new_project(lab)) >= 30


def baked_project(lab):
    project, before = new_project(lab)
    project.bake("-q")
    return project, before


@case("retire")
def retire(lab):
    for when in WHEN:
        assert kill_at_each(lab, when, ("retire", "--keep=0", "--project"), lambda: baked_project(lab)) >= 8


finish()
