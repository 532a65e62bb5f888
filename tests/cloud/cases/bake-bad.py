# SPDX-License-Identifier: Apache-2.0
"""What no image can be made of: one line that says so, the exit code of its kind, and nothing is left."""

import os
import pathlib

import witness
from baking import CALM, FAR, TARGET, asked
from controller import Baking, changes
from lab import case, finish

CONFIG, REMOTE, DATA = 3, 6, 7  # exit codes: set wrongly; refused by the other side; not good


def refused(lab, project, code, *words, workers=0):
    """The line that it ends with. workers: instances that were started"""
    before, since = witness.everything(), lab.tell()["requests"]
    out, err = project.bake("-q", code=code)
    assert not out and err.count("\n") == 1 and all(w in err for w in words), (out, err)
    started = len(asked(lab, since, "RunInstances"))
    assert started == workers, (started, err)
    assert not changes(before) and not project.runs(), (changes(before), project.runs())
    assert not [p for p in project.dist.glob("images/*.json") if not p.name.endswith(".cdx.json")]
    return err


def calm(lab, image="", **more):
    project = Baking(lab, image + TARGET, **more)
    lab.tell(knobs=CALM)
    return project


@case("an archive is missing")
def missing(lab):
    project = calm(lab)
    (project.dist / "safe/hello_x86-64-v2.tar.zst").unlink()
    refused(lab, project, CONFIG, "hello_x86-64-v2.tar.zst' is not there", "controller build --app hello")


@case("an archive is for another processor than its name says")
def other_processor(lab):
    project = calm(lab)
    project.archive("hello", arch="aarch64")
    refused(lab, project, DATA, "hello_x86-64-v2.tar.zst", "aarch64")


@case("an archive is damaged")
def damaged(lab):
    project = calm(lab)
    path = project.dist / "safe/hello_x86-64-v2.tar.zst"
    path.write_bytes(path.read_bytes()[:-9])
    refused(lab, project, DATA, "hello_x86-64-v2.tar.zst")


@case("an RPM is for another architecture, or none")
def other_package(lab):
    project = calm(lab)
    text = (project.folder / "shared-prep.ini").read_text("ascii")
    (project.folder / "shared-prep.ini").write_text(text.replace(os.environ["RPM"], "agent.rpm"), "ascii")
    right = pathlib.Path(os.environ["RPM"]).read_bytes()
    (project.folder / "agent.rpm").write_bytes(right.replace(b"x86_64\0", b"armv7l\0"))
    refused(lab, project, CONFIG, "agent.rpm' is an RPM for 'armv7l'")
    (project.folder / "agent.rpm").write_bytes(b"no package at all")
    refused(lab, project, DATA, "agent.rpm")


@case("the base image is not there, or not any more")
def no_base(lab):
    ec2 = lab.client()
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    lab.settle(snapshot=snapshot)
    gone = ec2.register_image(Name="gone", RootDeviceName="/dev/xvda", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}])["ImageId"]
    ec2.deregister_image(ImageId=gone)
    ec2.delete_snapshot(SnapshotId=snapshot)
    ec2.delete_volume(VolumeId=volume)
    for name in (gone, "ami-0123456789abcdef0"):
        refused(lab, calm(lab, base=name), REMOTE, name)


@case("what one may not do is known before anything starts")
def denied(lab):
    for action in ("RegisterImage", "CreateSnapshot"):
        project = calm(lab)
        lab.tell(faults=[{"action": action, "kind": "denied", "times": 0}])
        refused(lab, project, REMOTE, f"ec2 {action}: UnauthorizedOperation")
        lab.tell(faults=[])


@case("what is refused later leaves nothing either")
def denied_later(lab):
    for action in ("CreateSnapshot", "RegisterImage", "CopyImage", "ModifyImageAttribute", "CreateTags"):
        project = calm(lab, f"regions={FAR}\naccounts=210987654321\n")
        # The first snapshot only saves time.
        skip = 1 if action == "CreateSnapshot" else 0
        lab.tell(faults=[{"action": action, "where": {"DryRun": None}, "skip": skip, "kind": "denied", "times": 0}])
        refused(lab, project, REMOTE, f"{action}: UnauthorizedOperation", workers=1)
        lab.tell(faults=[])


@case("an image or a snapshot that fails in the end")
def fails(lab):
    project = calm(lab)
    lab.tell(knobs={"image_fails": "no disk"})
    refused(lab, project, REMOTE, "is failed: no disk", workers=1)
    lab.tell(knobs={"image_fails": "", "snapshot_fails": True})
    refused(lab, calm(lab), REMOTE, "snapshot snap-", "failed", workers=1)


finish()
