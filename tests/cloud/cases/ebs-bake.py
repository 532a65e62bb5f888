# SPDX-License-Identifier: Apache-2.0
"""A disk image file is made on this machine and becomes an AMI without an instance: block by block, of
which none is all zeros; killed, it goes on; a block that arrives as another is an error. An AMI is promoted
with the file that it was made of, which a stand-in for QEMU tests."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import struct

import witness
from baking import CALM, LOOKS, TODAY, asked, check_whole, forget
from controller import Baking, changes
from lab import case, finish

BLOCK = 524288
LANES = 8        # blocks on their way at once
BEFORE_KILL = 40  # blocks that have arrived then
USAGE, CONFIG, REMOTE, DATA = 2, 3, 6, 7
PARAMETER = "/hello/image"
# Has the guest's end of the port, where every command ends well: what image tests say is not tested here.
QEMU = """#!/usr/bin/env python3
import base64
import socket
with socket.socket(fileno=4) as server:
    while True:
        with server.accept()[0] as peer:
            for line in peer.makefile("rb"):
                word = line.split() or [b""]
                if word[1:] == [b"run"]:
                    peer.sendall(b"%s out %s\\n%s end 0\\n" % (word[0], base64.b64encode(b"x86_64\\n"), word[0]))
"""
ARM_ELF = b"\xb7\0"  # e_machine, EM_AARCH64
MADE = {}  # of the case before


def make_base(folder):
    """A root of a directory: that of the lab's machines, with what a firmware and a loader take."""
    shutil.copytree(os.environ["CLOUD_ROOT"], folder, symlinks=True)
    for path in ("boot/vmlinuz-6.1.0-test", "usr/lib/systemd/boot/efi/systemd-bootx64.efi"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode() * 1000)


def change(project, old, new):
    """In its file, once."""
    ini = project.folder / "shared-prep.ini"
    ini.write_text(ini.read_text("ascii").replace(old, new, 1), "ascii")


def new_project(lab, base="base"):
    project = Baking(lab, f"parameter={PARAMETER}\n", base=base)
    change(project, "provider=ec2", "provider=local")
    lab.tell(knobs=CALM)
    return project


def make_rpm(path, arch):
    """What the header of the agent's package says, and nothing else."""
    def header(entries):
        index, store = b"", b""
        for tag, text in entries:
            index += struct.pack(">4I", tag, 6, len(store), 1)
            store += text.encode() + b"\0"
        return struct.pack(">4sI2I", b"\x8e\xad\xe8\x01", 0, len(entries), len(store)) + index + store
    texts = ((1000, "shared-prep"), (1001, "1.0"), (1002, "1"), (1022, arch))
    path.write_bytes(b"\xed\xab\xee\xdb".ljust(96, b"\0") + header(()) + header(texts))


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
    make_base(project.folder / "base")
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
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert read(lab, snapshot) == MADE["blocks"] and not project.runs()
    assert image["ImageId"] != MADE["image"] and project.baked()["ami"] == image["ImageId"]
    MADE.update(image=image["ImageId"], snapshot=snapshot)


@case("where the AMI alone is gone, the snapshot becomes another")
def another(lab):
    project, since = MADE["project"], lab.tell()["requests"]
    lab.client().deregister_image(ImageId=MADE["image"])
    image = project.bake("--to-ami", "--if-changed", "-q")[0].strip().rpartition("=")[2]
    assert image != MADE["image"] and not asked(lab, since, "PutSnapshotBlock"), image
    assert [s["SnapshotId"] for s in witness.image(image)["Snapshots"]] == [MADE["snapshot"]]
    assert check_whole(MADE["before"]) == 1 and not project.runs(), project.runs()
    assert project.baked()["ami"] == image and project.baked()["image"] == str(MADE["disk"])
    MADE.update(image=image)


@case("promoted are the file, by its link, and the AMI, by the parameter")
def promoted(lab):
    project, disk, tools = MADE["project"], MADE["disk"], MADE["project"].folder / "tools"
    tools.mkdir()
    (tools / "qemu-system-x86_64").write_text(QEMU, "ascii")
    (tools / "qemu-system-x86_64").chmod(0o755)
    assert "shared-prep:promoted" not in witness.image(MADE["image"])["Tags"]
    out, _ = project.bake("--to-ami", "--if-changed", "--promote", "-q", "--json",
                          PATH=f"{tools}:{os.environ['PATH']}")
    image, = json.loads(out)["images"]
    said = image["test"]
    link = disk.parent / "hello-current"
    assert (said["ok"], said["promoted"], said["promoted_ami"]) == (True, str(link), PARAMETER), said
    assert (image["ami"], image["image"], image["unchanged"]) == (MADE["image"], str(disk), True), image
    assert os.readlink(link) == disk.name
    assert "shared-prep:promoted" in witness.image(MADE["image"])["Tags"]
    assert lab.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"] == MADE["image"]
    lab.client("ssm").delete_parameter(Name=PARAMETER)


@case("another image sends what differs from the one before, and is whole")
def upon(lab):
    project, since = MADE["project"], len(lab.log())
    (project.folder / "base/usr/more").write_text("more", "ascii")
    project.bake("--to-ami", "-q")
    disk, = set(project.dist.glob("images/*.raw")) - {MADE["disk"]}
    blocks, (start,) = blocks_of(disk), asked(lab, since, "StartSnapshot")
    sent = len(asked(lab, since, "PutSnapshotBlock"))
    assert start["form"]["ParentSnapshotId"] == MADE["snapshot"], start
    assert 0 < sent < len(blocks) // 2, (sent, len(blocks))
    snapshot = witness.image(project.baked()["ami"])["Snapshots"][0]["SnapshotId"]
    zeros = hashlib.sha256(bytes(BLOCK)).hexdigest()
    assert {i: d for i, d in read(lab, snapshot).items() if d != zeros} == blocks
    forget(lab)


@case("a name that no AMI may have, and a format that no block is of, are refused before anything is made")
def plus(lab):
    project, since = new_project(lab, str(MADE["project"].folder / "base")), len(lab.log())
    change(project, "name=hello", "name=hello+1")
    out, err = project.bake("--to-ami", "-q", code=CONFIG)
    assert not out and err.count("\n") == 1 and "'hello+1' has a '+', which no name of an AMI may have" in err, err
    assert project.bake("--dry-run")[0].startswith("hello+1 of ") and len(lab.log()) == since
    change(project, "[image]\n", "[image]\nname=hello\n")
    assert project.bake("--to-ami", "--dry-run")[0].startswith("hello of ")
    change(project, "[image]\n", "[image]\nformat=qcow2\n")
    out, err = project.bake("--to-ami", "-q", code=CONFIG)
    assert not out and err.count("\n") == 1 and "qcow2 cannot be sent block by block" in err, err


@case("of two architectures the one that can be made is told of, and nothing is promoted")
def half(lab):
    project, since = new_project(lab, str(MADE["project"].folder / "base")), len(lab.log())
    change(project, "targets=x86-64-v2", "targets=x86-64-v2 c8g")
    change(project, "[image]\n", "[image]\nrpm=arm.rpm\n")
    make_rpm(project.folder / "arm.rpm", "aarch64")
    change(project, "agent=", "agent=arm-agent\nagent=")
    agent = bytearray(pathlib.Path(os.environ["AGENT"]).read_bytes())
    agent[18:20] = ARM_ELF
    (project.folder / "arm-agent").write_bytes(agent)
    images = project.dist / "images"
    _, err = project.bake("--promote", "-q", code=CONFIG)
    assert "hello_c8g.tar.zst' is not there" in err and not images.exists(), err
    project.archive("hello", key="hello_c8g", arch="aarch64")
    _, err = project.bake("--promote", "--to-ami", "-q", code=USAGE)
    assert f"the parameter '{PARAMETER}' names one image, and there are two" in err and not images.exists(), err
    # The base is for one of them alone.
    out, err = project.bake("--promote", "-q", code=CONFIG)
    disk = images / f"hello-x86_64-{TODAY}.raw"
    assert out == f"image={disk}\n" and disk.exists(), (out, err)
    assert err.count("\n") == 1 and "is for x86_64, the archives are for aarch64" in err, err
    assert project.baked()["arch"] == "x86_64" and not list(images.glob("*-current")), list(images.iterdir())
    assert len(lab.log()) == since and not project.runs(), project.runs()


finish()
