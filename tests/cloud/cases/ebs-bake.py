# SPDX-License-Identifier: Apache-2.0
"""A disk image file is made on this machine and becomes an AMI without an instance: block by block, of
which none is all zeros; killed, it goes on; a block that arrives as another is an error."""

import hashlib
import os
import pathlib
import shutil
import signal

import witness
from baking import CALM, LOOKS, asked, check_whole, forget
from controller import Baking, changes
from lab import case, finish

BLOCK = 524288
LANES = 8        # blocks on their way at once
BEFORE_KILL = 40  # blocks that have arrived then
REMOTE, DATA = 6, 7
MADE = {}  # of the case before


def make_base(folder):
    """A root of a directory: that of the lab's machines, with what a firmware and a loader take."""
    shutil.copytree(os.environ["CLOUD_ROOT"], folder, symlinks=True)
    for path in ("boot/vmlinuz-6.1.0-test", "usr/lib/systemd/boot/efi/systemd-bootx64.efi"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode() * 1000)


def new_project(lab):
    project = Baking(lab, base="base")
    ini = project.folder / "shared-prep.ini"
    ini.write_text(ini.read_text("ascii").replace("provider=ec2", "provider=local"), "ascii")
    make_base(project.folder / "base")
    lab.tell(knobs=CALM)
    return project


def blocks_of(path):
    """{index: digest} of a file's blocks that are not all zeros."""
    found = {}
    with open(path, "rb") as f:
        for index in range((os.stat(path).st_size + BLOCK - 1) // BLOCK):
            data = f.read(BLOCK).ljust(BLOCK, b"\0")
            if any(data):
                found[index] = hashlib.sha256(data).hexdigest()
    return found


def read(lab, snapshot):
    """The same of a snapshot, by boto3."""
    ebs, found, more = lab.client("ebs"), {}, {}
    while True:
        page = ebs.list_snapshot_blocks(SnapshotId=snapshot, **more)
        for row in page["Blocks"]:
            data = ebs.get_snapshot_block(SnapshotId=snapshot, **row)["BlockData"].read()
            found[row["BlockIndex"]] = hashlib.sha256(data).hexdigest()
        if "NextToken" not in page:
            return found
        more = {"NextToken": page["NextToken"]}


@case("killed in the middle of the upload, the disk stays, and the part that was sent")
def killed(lab):
    project, before = new_project(lab), witness.everything()
    process = project.start("bake", "--to-ami", "-q", str(project.folder),
                            wrap=("sh", "-c", 'read -r _; exec "$@"', "sh"))
    lab.tell(faults=[{"action": "PutSnapshotBlock", "skip": BEFORE_KILL, "kill": process.pid}])
    _, err = process.communicate("go\n", timeout=project.patience)
    lab.tell(faults=[])
    assert process.returncode == -signal.SIGKILL, (process.returncode, err)
    disk, = project.dist.glob("images/*.raw")
    left = changes(before)
    assert [x.split()[0] for x in left] == ["Snapshots"], left
    MADE.update(project=project, before=before, disk=disk, snapshot=left[0].split()[1])


@case("again, it sends the rest alone, and what is there is the disk, block by block")
def resumed(lab):
    project, disk, since = MADE["project"], MADE["disk"], lab.tell()["requests"]
    lab.tell(knobs=CALM)
    written = disk.stat().st_mtime_ns
    out, err = project.bake("--to-ami", "--if-changed")
    assert disk.stat().st_mtime_ns == written and "upon those of a run before" in err, err
    blocks = blocks_of(disk)
    sent = len(asked(lab, since, "PutSnapshotBlock"))
    # What had arrived may not have been noted yet.
    assert abs(len(blocks) - BEFORE_KILL - sent) <= LANES, (sent, len(blocks))
    assert not asked(lab, since, "StartSnapshot") and not asked(lab, since, "RunInstances")
    assert read(lab, MADE["snapshot"]) == blocks and len(blocks) < disk.stat().st_size // BLOCK
    MADE.update(blocks=blocks, image=out.strip().rpartition("=")[2])


@case("it is an image as the others are, and is kept")
def registered(lab):
    project, image = MADE["project"], witness.image(MADE["image"])
    assert (image["BootMode"], image["ImdsSupport"], image["Architecture"], image["EnaSupport"]) == (
        "uefi", "v2.0", "x86_64", True), image
    assert [s["SnapshotId"] for s in image["Snapshots"]] == [MADE["snapshot"]], image
    report = project.baked()
    assert (report["ami"], report["image"]) == (MADE["image"], str(MADE["disk"])), report
    # What the run that was killed has noted is no reason to take it away.
    project.collect()
    assert check_whole(MADE["before"]) == 1 and not project.runs(), project.runs()
    assert witness.by_cli() == [f"Images {MADE['image']}", f"Snapshots {MADE['snapshot']}"]
    since = lab.tell()["requests"]
    out, _ = project.bake("--to-ami", "--if-changed", "-q")
    assert out.strip().rpartition("=")[2] == MADE["image"]
    assert all(e["action"].startswith(LOOKS) for e in lab.log()[since:]), lab.log()[since:]


@case("a block that is refused for its checksum is named, and the run can be taken away")
def wrong(lab):
    project, index = MADE["project"], max(MADE["blocks"])
    forget(lab)
    lab.tell(faults=[{"action": "PutSnapshotBlock", "where": {"BlockIndex": str(index)}, "times": 0,
                      "code": "ValidationException", "message": "The checksum is not that of the block."}])
    out, err = project.bake("--to-ami", "--if-changed", "-q", code=None)
    assert project.code in (REMOTE, DATA) and not out, (project.code, out, err)
    assert f"block {index}" in err and "The checksum is not that of the block" in err, err
    lab.tell(faults=[])
    project.collect()
    assert not changes(MADE["before"]) and not project.runs(), (changes(MADE["before"]), project.runs())


@case("all of it at once, where nothing goes wrong")
def whole(lab):
    project, since = MADE["project"], lab.tell()["requests"]
    project.bake("--to-ami", "--if-changed", "-q")
    assert len(asked(lab, since, "PutSnapshotBlock")) == len(MADE["blocks"])
    image, = lab.client().describe_images(Owners=["self"])["Images"]
    assert read(lab, image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]) == MADE["blocks"]
    assert not project.runs()
    forget(lab)


finish()
