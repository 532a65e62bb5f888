# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while an image is made, which it gets over: a worker that is taken away, answers that
are lost, a user who has had enough."""

import witness
from baking import CALM, FAR, TARGET, asked, check_whole, forget
from controller import Baking, Running, changes, let_go, machines
from lab import case, finish

INTERRUPTED = 5  # exit code
HANGS = "#!/bin/sh\nmkfifo /run/go\nread -r _ </run/go\n"


@case("a worker that is taken away in the middle: another makes the image")
def taken(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    project = Baking(lab, "before=hang\n" + TARGET)
    (project.folder / "hang").write_text(HANGS, "ascii")
    lab.tell(knobs=CALM)
    bake = Running(project, command="bake")
    bake.wait("ecs-stop")  # and so the script before is next
    first, = machines(lab)
    lab.tell(interrupt=first)
    bake.wait("another worker")
    bake.wait("ecs-stop", 2)
    second, = machines(lab)
    assert second != first
    let_go(lab, second)
    out, err = bake.end()
    assert out.startswith("custom_ami=ami-") and "is lost" in err, (out, err)
    assert len(asked(lab, since, "RunInstances")) == 2
    assert check_whole(before) == 1 and not project.runs(), project.runs()
    forget(lab)


@case("answers that are lost: of each there is one")
def lost(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    project = Baking(lab, f"regions={FAR}\n" + TARGET)
    lab.tell(knobs=CALM)
    # The first time it is the request that is lost.
    losses = (("CreateSnapshot", "before", 1), ("CreateSnapshot", "after", 2), ("RegisterImage", "after", 1),
              ("CopyImage", "after", 1))
    lab.tell(faults=[{"action": action, "where": {"DryRun": None}, "when": when, "drop": True, "times": times}
                     for action, when, times in losses])
    project.bake("-q")
    assert lab.tell()["faults_left"] == [0, 0, 0, 0]
    # One that is there is not asked for again.
    assert len(asked(lab, since, "CreateSnapshot")) == 3, len(asked(lab, since, "CreateSnapshot"))
    assert check_whole(before) == 2 and not project.runs(), project.runs()
    # Asked again, where there is a token that tells one from the other; what is too many is taken away.
    assert len({e["form"]["ClientToken"] for e in asked(lab, since, "CopyImage")}) == 1
    forget(lab)


def base_of_two_disks(lab):
    """An image of the account's own."""
    ec2, disks = lab.client(), []
    for name in ("/dev/xvda", "/dev/xvdb"):
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"]
        snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        lab.settle(snapshot=snapshot)
        ec2.delete_volume(VolumeId=volume)
        disks.append({"DeviceName": name, "Ebs": {"SnapshotId": snapshot}})
    image = ec2.register_image(Name="two", RootDeviceName="/dev/xvda", Architecture="x86_64", EnaSupport=True,
                               VirtualizationType="hvm", BlockDeviceMappings=disks)["ImageId"]
    lab.settle(image=image)
    return image


@case("a base that cannot be registered anew: EC2 makes the image, and it is as others are")
def created(lab):
    project = Baking(lab, TARGET, base=base_of_two_disks(lab))
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM)
    project.bake("-q")
    form, = (e["form"] for e in asked(lab, since, "CreateImage"))
    assert form["NoReboot"] == "true" and not asked(lab, since, "RegisterImage"), form
    image = witness.image(project.baked()["ami"])
    assert image["ImdsSupport"] == "v2.0" and image["Snapshots"], image
    contents = lab.tell()["snapshots"]
    assert contents[image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]]["frozen"], contents
    assert check_whole(before) == 1 and not project.runs(), project.runs()
    forget(lab)


@case("an interruption while all wait for the snapshot")
def interrupted(lab):
    before = witness.everything()
    project = Baking(lab, TARGET)
    lab.tell(knobs={**CALM, "snapshot_seconds": 60})
    bake = Running(project, command="bake")
    bake.wait("hold the disk still")
    bake.interrupt()
    out, err = bake.end(INTERRUPTED)
    assert not out and "interrupted" in err and not changes(before) and not project.runs(), (out, err)


finish()
