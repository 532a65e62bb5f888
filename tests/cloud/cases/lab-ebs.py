# SPDX-License-Identifier: Apache-2.0
"""The lab itself: EBS direct, as boto3 sees it."""

import base64
import hashlib
import subprocess

import botocore.exceptions
from disks import look
from lab import WORK, case, finish

SIZE = 524288


def digest(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def block(number):
    """Not like any other."""
    return hashlib.sha256(str(number).encode()).digest() * (SIZE // 32)


def put(ebs, name, index, data, **more):
    return ebs.put_snapshot_block(**{
        "SnapshotId": name, "BlockIndex": index, "BlockData": data, "DataLength": len(data),
        "Checksum": digest(data), "ChecksumAlgorithm": "SHA256", **more})


def linear(blocks):
    """The checksum of all: {index: data}"""
    return {"ChangedBlocksCount": len(blocks), "ChecksumAlgorithm": "SHA256", "ChecksumAggregationMethod": "LINEAR",
            "Checksum": digest(b"".join(hashlib.sha256(blocks[i]).digest() for i in sorted(blocks)))}


def refusal(function, *words, **arguments):
    """(status, code, reason)"""
    try:
        function(*words, **arguments)
    except botocore.exceptions.ClientError as problem:
        said = problem.response
        return said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Code"], said.get("Reason")
    raise AssertionError("it succeeds")


def state(lab, name):
    return lab.client().describe_snapshots(SnapshotIds=[name])["Snapshots"][0]


def read(ebs, name):
    """{index: data}, page by page."""
    found, more = {}, {}
    while True:
        page = ebs.list_snapshot_blocks(SnapshotId=name, MaxResults=100, **more)
        for row in page["Blocks"]:
            got = ebs.get_snapshot_block(SnapshotId=name, **row)
            found[row["BlockIndex"]] = got["BlockData"].read()
            assert got["Checksum"] == digest(found[row["BlockIndex"]]) and got["DataLength"] == SIZE
        if "NextToken" not in page:
            return found
        more = {"NextToken": page["NextToken"]}


@case("a snapshot is written block by block, is complete in the end, and reads back the same")
def whole(lab):
    lab.tell(knobs={"snapshot_pending": 1})
    ebs = lab.client("ebs")
    asked = {"VolumeSize": 1, "Description": "disk", "ClientToken": "t", "Tags": [{"Key": "k", "Value": "v"}]}
    made = ebs.start_snapshot(**asked)
    name = made["SnapshotId"]
    assert (made["BlockSize"], made["Status"], made["VolumeSize"]) == (SIZE, "pending", 1), made
    assert ebs.start_snapshot(**asked)["SnapshotId"] == name
    assert refusal(ebs.start_snapshot, **{**asked, "VolumeSize": 2}) == (409, "ConflictException", None)
    blocks = {i: block(i) for i in (0, 7, 2047)}
    for index, data in blocks.items():
        assert put(ebs, name, index, data)["Checksum"] == digest(data)
    put(ebs, name, 7, blocks[7])
    assert [state(lab, name)["State"] for _ in range(3)] == ["pending"] * 3 and state(lab, name)["Progress"] == "0%"
    assert ebs.complete_snapshot(SnapshotId=name, **linear(blocks))["Status"] == "pending"
    assert [state(lab, name)["State"] for _ in range(2)] == ["pending", "completed"]
    found = state(lab, name)
    assert (found["VolumeSize"], found["Description"], found["Tags"], found["VolumeId"]) == (
        1, "disk", asked["Tags"], "vol-ffffffff"), found
    assert read(ebs, name) == blocks
    report = lab.tell()["snapshots"][name]
    assert (report["puts"], report["blocks"]) == (4, 3), report
    assert refusal(put, ebs, name, 1, block(1)) == (409, "ConflictException", None)
    lab.client().delete_snapshot(SnapshotId=name)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=name) == (
        404, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND")


@case("wrong checksums, sizes, counts and places are refused")
def wrong(lab):
    ebs = lab.client("ebs")
    name = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    data = block(1)
    bad = (400, "ValidationException", "INVALID_BLOCK")
    assert refusal(put, ebs, name, 0, data, Checksum=digest(b"")) == bad
    assert refusal(put, ebs, name, 0, data[:512]) == bad
    assert refusal(put, ebs, name, 2048, data) == bad
    assert refusal(put, ebs, "snap-0123456789abcdef0", 0, data)[1] == "ResourceNotFoundException"
    assert lab.tell()["snapshots"][name]["puts"] == 0
    put(ebs, name, 0, data)
    said = linear({0: data})
    value = (400, "ValidationException", "INVALID_PARAMETER_VALUE")
    assert refusal(ebs.complete_snapshot, SnapshotId=name, ChangedBlocksCount=2) == value
    assert refusal(ebs.complete_snapshot, SnapshotId=name, **{**said, "Checksum": digest(data)}) == value
    assert state(lab, name)["State"] == "pending"
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=name)[2] == "INVALID_SNAPSHOT_ID"
    ebs.complete_snapshot(SnapshotId=name, **said)
    assert refusal(ebs.start_snapshot, VolumeSize=70000)[2] == "INVALID_VOLUME_SIZE"
    assert refusal(ebs.start_snapshot, VolumeSize=1, Tags=[{"Key": "aws:x", "Value": ""}])[2] == "INVALID_TAG"
    lab.client().delete_snapshot(SnapshotId=name)


@case("a snapshot with a parent has its blocks and its own, and says what changed")
def child(lab):
    ebs = lab.client("ebs")
    lab.tell(knobs={"snapshot_pending": 0})
    first = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    old = {i: block(i) for i in range(110)}
    for index, data in old.items():
        put(ebs, first, index, data)
    assert refusal(ebs.start_snapshot, VolumeSize=1, ParentSnapshotId=first)[2] == "INVALID_SNAPSHOT_ID"
    ebs.complete_snapshot(SnapshotId=first, **linear(old))
    assert state(lab, first)["State"] == "completed"
    assert refusal(ebs.start_snapshot, VolumeSize=1, ParentSnapshotId=first, Encrypted=False)[2] == \
        "INVALID_PARAMETER_VALUE"
    second = ebs.start_snapshot(VolumeSize=2, ParentSnapshotId=first)["SnapshotId"]
    new = {3: block("new"), 4000: block("far")}
    for index, data in new.items():
        put(ebs, second, index, data)
    ebs.complete_snapshot(SnapshotId=second, **linear(new))
    state(lab, second)
    rows = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)["ChangedBlocks"]
    assert [(r["BlockIndex"], "FirstBlockToken" in r) for r in rows] == [(3, True), (4000, False)], rows
    got = ebs.get_snapshot_block(SnapshotId=second, BlockIndex=3, BlockToken=rows[0]["SecondBlockToken"])
    assert got["BlockData"].read() == new[3]
    assert refusal(ebs.get_snapshot_block, SnapshotId=second, BlockIndex=4, BlockToken=rows[0]["SecondBlockToken"])[
        2] == "INVALID_BLOCK_TOKEN"
    assert read(ebs, second) == {**old, **new}
    lab.client().delete_snapshot(SnapshotId=first)
    assert read(ebs, second)[0] == old[0]
    image = lab.client().register_image(
        Name="from blocks", RootDeviceName="/dev/xvda", Architecture="x86_64", VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": second}}])["ImageId"]
    assert lab.settle(image=image)["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 2
    lab.client().deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)


def disk(size, start):
    """Of this size in MiB, with a file system that has /etc/mark, from this MiB on; 0: without a table."""
    folder, path = WORK / f"tree.{start}", WORK / f"disk.{start}"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/mark").write_text("here\n", "ascii")
    subprocess.run(["truncate", "-s", f"{size}M", path], check=True)
    if start:
        subprocess.run(["sfdisk", "-q", path], input=f"label: gpt\nstart={start}MiB\n", text=True, check=True)
    subprocess.run(["mkfs.ext4", "-q", "-d", folder, "-E", f"offset={start << 20}", path,
                    f"{(size - start - 1) << 10}k"], check=True, capture_output=True)
    return path.read_bytes()


@case("an image of a disk that was sent boots with its root file system, in a partition or without")
def boots(lab):
    ec2, ebs = lab.client(), lab.client("ebs")
    lab.tell(knobs={"snapshot_pending": 0, "image_pending": 0, "pending": 0})
    for start in (0, 2):
        name = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
        data = disk(16, start)
        blocks = {i: data[i * SIZE:(i + 1) * SIZE] for i in range(len(data) // SIZE)}
        blocks = {i: b for i, b in blocks.items() if b.strip(b"\0")}
        for index, block_data in blocks.items():
            put(ebs, name, index, block_data)
        ebs.complete_snapshot(SnapshotId=name, **linear(blocks))
        state(lab, name)
        image = ec2.register_image(
            Name=f"disk {start}", RootDeviceName="/dev/xvda", Architecture="x86_64", VirtualizationType="hvm",
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": name}}])["ImageId"]
        ec2.describe_images(ImageIds=[image])
        machine = lab.machine(ImageId=image)
        layers = lab.tell()["snapshots"][name]["layers"]
        assert layers and look(layers, "/etc/mark") == "here\n", (start, layers)
        assert lab.tell()["workers"][machine.name]["own_root"]
        lab.clear(machine.group)
        ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)


@case("the n-th block fails, or its answer is lost; by name, index and snapshot")
def faults(lab):
    ebs = lab.client("ebs")
    name = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    lab.tell(faults=[{"action": "PutSnapshotBlock", "skip": 1, "status": 400, "code": "RequestThrottledException"},
                     {"action": "PutSnapshotBlock", "where": {"BlockIndex": "5"}, "when": "after", "drop": True}])
    put(ebs, name, 0, block(0))
    assert refusal(put, ebs, name, 1, block(1)) == (400, "RequestThrottledException", None)
    try:
        put(ebs, name, 5, block(5))
        raise AssertionError("it succeeds")
    except botocore.exceptions.HTTPClientError:
        pass
    assert lab.tell()["snapshots"][name]["blocks"] == 2
    assert lab.tell()["counts"]["PutSnapshotBlock"] >= 3
    lab.tell(faults=[{"action": "StartSnapshot", "kind": "denied"}])
    assert refusal(ebs.start_snapshot, VolumeSize=1)[:2] == (403, "AccessDeniedException")
    ebs.complete_snapshot(SnapshotId=name, ChangedBlocksCount=2)
    lab.client().delete_snapshot(SnapshotId=name)


finish()
