#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disk images that become snapshots, by a service that takes nothing for granted (EBS, below): each
request is held against the official model (wire.py), each checksum is made again.

    blocks.py PROGRAM FOLDER

PROGRAM is tests/aws/services, FOLDER takes the files.
"""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import threading

import wire

SECRET = "SEKRET/a+b"
BLOCK = 524288
ZERO = bytes(BLOCK)


class Failed(Exception):
    """What is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def sum64(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def refused(code, status=400):
    return (status, {"x-amzn-ErrorType": code}, b'{"Message": "no"}')


class Snapshot:
    def __init__(self, name, params, blocks):
        self.name, self.params, self.blocks = name, params, blocks
        self.state, self.sent, self.tags = "pending", {}, {}


class Ebs:
    """One account. faults: what happens to the n-th block that comes, counted from 1; "hold": from which on
    none is answered."""

    def __init__(self, judge):
        self.wire = judge
        self.lock = threading.Condition()
        self.snapshots, self.tokens = {}, {}
        self.faults, self.puts, self.most, self.now = {}, 0, 0, 0
        self.held, self.go = threading.Event(), threading.Event()
        self.journal = None
        judge.hooks |= {"StartSnapshot": self.start, "PutSnapshotBlock": self.put, "CompleteSnapshot": self.complete,
                        "DescribeSnapshots": self.describe, "CreateTags": self.tag}
        self.complete_with = "completed"

    def reset(self):
        self.faults, self.puts, self.most = {}, 0, 0
        self.held, self.go = threading.Event(), threading.Event()
        self.complete_with = "completed"

    def start(self, params, _request):
        if "start" in self.faults:
            return self.faults.pop("start")
        intents = [json.loads(line) for line in self.journal.read_text().splitlines()]
        if not any(i["event"] == "intent" and i["token"] == params["ClientToken"] for i in intents):
            return refused("NothingInTheJournal")
        parent = params.get("ParentSnapshotId")
        if parent and (params.get("Encrypted") or self.snapshots[parent].state != "completed"):
            return refused("ValidationException")
        name = f"snap-{len(self.snapshots) + 1:017x}"
        blocks = dict(self.snapshots[parent].blocks) if parent else {}
        self.snapshots[name] = Snapshot(name, params, blocks)
        self.snapshots[name].tags = {t["Key"]: t["Value"] for t in params["Tags"]}
        return (201, {}, json.dumps({"SnapshotId": name, "BlockSize": BLOCK, "Status": "pending",
                                     "VolumeSize": params["VolumeSize"]}).encode())

    def put(self, params, request):
        with self.lock:
            self.puts += 1
            self.now += 1
            self.most = max(self.most, self.now)
            fault = "hold" if self.puts >= self.faults.get("hold", self.puts + 1) else self.faults.get(self.puts)
        try:
            return self.put_one(params, request.body, fault)
        finally:
            with self.lock:
                self.now -= 1
                self.lock.notify_all()

    def put_one(self, params, body, fault):
        if fault == "hold":
            self.held.set()
            self.go.wait(60)
        elif isinstance(fault, tuple):
            return fault
        snapshot = self.snapshots[params["SnapshotId"]]
        if snapshot.state != "pending" or len(body) != BLOCK or params["DataLength"] != BLOCK or \
                params["Checksum"] != sum64(body) or \
                params["BlockIndex"] * BLOCK >= snapshot.params["VolumeSize"] << 30:
            return refused("ValidationException")
        with self.lock:
            snapshot.sent[params["BlockIndex"]] = hashlib.sha256(body).digest()
            snapshot.blocks[params["BlockIndex"]] = body
        return (201, {"x-amz-Checksum": sum64(ZERO if fault == "lie" else body),
                      "x-amz-Checksum-Algorithm": "SHA256"}, b"{}")

    def complete(self, params, _request):
        snapshot = self.snapshots[params["SnapshotId"]]
        total = sum64(b"".join(d for _, d in sorted(snapshot.sent.items())))
        if snapshot.state != "pending" or params["ChangedBlocksCount"] != len(snapshot.sent) or \
                params["Checksum"] != total or params["ChecksumAggregationMethod"] != "LINEAR":
            return refused("ValidationException")
        snapshot.state = self.complete_with
        return (202, {}, b'{"Status": "pending"}')

    def describe(self, params, _request):
        found = [self.snapshots[i] for i in params["SnapshotIds"] if i in self.snapshots]
        if not found:
            return (400, {}, b"<Response><Errors><Error><Code>InvalidSnapshot.NotFound</Code></Error></Errors></Response>")
        tags = lambda s: "".join(f"<item><key>{k}</key><value>{v}</value></item>" for k, v in s.tags.items())  # noqa: E731
        items = "".join(f"<item><snapshotId>{s.name}</snapshotId><status>{s.state}</status><volumeSize>"
                        f"{s.params['VolumeSize']}</volumeSize><tagSet>{tags(s)}</tagSet></item>" for s in found)
        return (200, {}, f"<DescribeSnapshotsResponse><snapshotSet>{items}</snapshotSet></DescribeSnapshotsResponse>"
                .encode())

    def tag(self, params, _request):
        for name in params["Resources"]:
            self.snapshots[name].tags |= {t["Key"]: t["Value"] for t in params["Tags"]}
        return (200, {}, b"<CreateTagsResponse/>")


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.wire = wire.Wire("127.0.0.1:1", SECRET)
        self.ebs = Ebs(self.wire)
        self.ebs.journal = folder / "journal"
        self.n = 0

    def image(self, name, blocks, size=None):
        """blocks: {index: content}; the rest are holes."""
        path = self.folder / name
        with open(path, "wb") as f:
            f.truncate(size or 64 * BLOCK)
            for index, content in blocks.items():
                f.seek(index * BLOCK)
                f.write(content)
        return path

    def start(self, image, *former, **env):
        self.n += 1
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": self.wire.url, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": SECRET}
        return subprocess.Popen(
            [self.program, "ebs-upload", image, f"token-{self.n}", self.folder, *former], text=True,
            env=base | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def upload(self, image, *former, code=0, **env):
        """What it prints, and the snapshot; its message where it is to end with another code."""
        with self.start(image, *former, **env) as process:
            out, err = process.communicate(timeout=120)
        expect(not self.wire.wrong, self.wire.wrong[:1])
        expect(process.returncode == code, f"status {process.returncode}: {err}")
        if code:
            expect(err.count("\n") == 1, err)
            return err, None
        said = json.loads(out)
        return said, self.ebs.snapshots[said["snapshot"]]

    def entries(self):
        """{token: the last that the journal says of it}"""
        lines = [json.loads(line) for line in self.ebs.journal.read_text().splitlines()]
        return {line["token"]: line["event"] for line in lines}


def noise(n):
    return hashlib.shake_256(str(n).encode()).digest(BLOCK)


def same(snapshot, path):
    data = path.read_bytes()
    blocks = [data[i:i + BLOCK].ljust(BLOCK, b"\0") for i in range(0, len(data), BLOCK)]
    last = max([len(blocks) - 1, *snapshot.blocks])
    return all((blocks[i] if i < len(blocks) else ZERO) == snapshot.blocks.get(i, ZERO) for i in range(last + 1))


BLOCKS = {0: noise(0), 1: ZERO, 2: noise(2), 9: b"x", 10: noise(10), 40: ZERO[:-1] + b"e", 63: noise(63)[:1000]}
DATA = {0, 2, 9, 10, 40, 63}


def check_whole(bench):
    path = bench.image("whole", BLOCKS)
    said, snapshot = bench.upload(path)
    expect(set(snapshot.sent) == DATA and bench.ebs.puts == len(DATA) and same(snapshot, path), snapshot.sent.keys())
    expect(said["sent"] == len(DATA) and not said["continued"] and said["well"], said)
    expect(len(DATA) * BLOCK <= said["total"] <= 20 * BLOCK, said)
    expect(snapshot.state == "completed" and snapshot.params["VolumeSize"] == 1, snapshot.params)
    expect("Encrypted" not in snapshot.params and "ParentSnapshotId" not in snapshot.params, snapshot.params)
    expect(bench.entries() == {"token-1": "made"}, bench.entries())
    # Again: it is there, and belongs to the run that asks now.
    again, _ = bench.upload(path)
    expect(again["snapshot"] == said["snapshot"] and again["continued"] and bench.ebs.puts == len(DATA), again)
    expect(snapshot.tags["shared-prep:token"] == "token-2", snapshot.tags)
    expect(bench.entries()["token-2"] == "made", bench.entries())


def check_sizes(bench):
    path = bench.image("odd", {0: noise(1), 2048: b"beyond"}, (1 << 30) + 6)
    _, snapshot = bench.upload(path, KMS_KEY="arn:aws:kms:us-east-1:1:key/2", LANES="1")
    expect(snapshot.params["VolumeSize"] == 2 and same(snapshot, path), snapshot.params)
    expect(snapshot.params["Encrypted"] is True and snapshot.params["KmsKeyArn"].endswith("key/2"), snapshot.params)
    expect(bench.ebs.most == 1, bench.ebs.most)
    empty = bench.image("empty", {}, 3)
    said, snapshot = bench.upload(empty, KMS_KEY="")
    expect(said["sent"] == 0 and snapshot.state == "completed" and "KmsKeyArn" not in snapshot.params, said)
    (bench.folder / "nothing").write_bytes(b"")
    expect("no disk image" in bench.upload(bench.folder / "nothing", code=2)[0], "nothing")
    expect("No such file" in bench.upload(bench.folder / "none", code=4)[0], "none")
    # What is wished for is made whole, and never too small for the image.
    for wanted, got in ((1 << 29, 2), (5 << 29, 3)):
        os.utime(path, (wanted, wanted))
        _, snapshot = bench.upload(path, VOLUME=str(wanted))
        expect(snapshot.params["VolumeSize"] == got and same(snapshot, path), (wanted, snapshot.params))
    expect("no volume of" in bench.upload(path, code=2, VOLUME=str(1 << 60))[0], "no such volume")


def check_many(bench):
    path = bench.image("many", {i: noise(i) for i in range(96)}, 96 * BLOCK)
    bench.ebs.faults = {n: (500, {}, b"<html>") for n in (3, 4, 30)} | {
        7: refused("RequestThrottledException"), 9: refused("InternalServerException", 500)}
    said, snapshot = bench.upload(path)
    expect(same(snapshot, path) and said["sent"] == 96 and bench.ebs.puts == 101, (said, bench.ebs.puts))
    expect(1 < bench.ebs.most <= 8, bench.ebs.most)


def check_refused(bench):
    path = bench.image("refused", {i: noise(i) for i in range(20)})
    bench.ebs.faults = {"start": refused("AccessDeniedException", 403)}
    expect("ebs StartSnapshot: AccessDeniedException" in bench.upload(path, code=6)[0], "start")
    expect(list(bench.entries().values())[-1] == "refused", bench.entries())
    bench.ebs.faults = {"start": (201, {}, b'{"SnapshotId": "snap-1", "BlockSize": 512}')}
    expect("not of 512 KiB" in bench.upload(path, code=7)[0], "blocks of moto")
    bench.ebs.faults = {5: refused("AccessDeniedException", 403)}
    text, _ = bench.upload(path, LANES="1", code=6)
    expect(": block 4 of snap-" in text and "AccessDenied" in text, text)
    expect(bench.ebs.puts == 5, bench.ebs.puts)
    bench.ebs.reset()
    bench.ebs.faults = {1: "lie"}
    text, _ = bench.upload(path, LANES="1", code=7)
    expect(": block 4 of snap-" in text and "checksum of another block" in text, text)
    # What was begun is gone on with.
    bench.ebs.reset()
    said, snapshot = bench.upload(path)
    expect(said["continued"] and said["sent"] == 16 and same(snapshot, path), said)
    other = bench.image("fails", BLOCKS)
    bench.ebs.complete_with = "error"
    expect("it has failed" in bench.upload(other, code=6)[0], "error")
    bench.ebs.reset()
    said, snapshot = bench.upload(other)
    expect(not said["continued"] and same(snapshot, other), "it begins anew after that")


def check_new(bench):
    """The service does not know yet what it has just made."""
    path = bench.image("new", BLOCKS)
    bench.ebs.faults = {n: refused("ResourceNotFoundException", 404) for n in (1, 2)}
    said, snapshot = bench.upload(path, LANES="2")
    expect(same(snapshot, path) and bench.ebs.puts == len(DATA) + 2, said)


def kill_at(bench, path, n, *former):
    bench.ebs.reset()
    bench.ebs.faults = {"hold": n}
    with bench.start(path, *former, LANES="2") as process:
        expect(bench.ebs.held.wait(60), "it never sends so many")
        process.kill()
    bench.ebs.go.set()
    with bench.ebs.lock:  # what was on its way arrives
        expect(bench.ebs.lock.wait_for(lambda: bench.ebs.now == 0, 60), "requests that do not end")


def check_kill(bench):
    for n in (1, 2, 17, 30):
        path = bench.image(f"kill.{n}", {i: noise((n, i)) for i in range(30)})
        kill_at(bench, path, n)
        snapshots = len(bench.ebs.snapshots)
        bench.ebs.reset()
        said, snapshot = bench.upload(path)
        expect(len(bench.ebs.snapshots) == snapshots and said["continued"] and same(snapshot, path), said)
        # What was on its way comes again; of the one that was killed it may come late.
        expect(31 - n <= said["sent"] <= 32 - n and 0 <= bench.ebs.puts - said["sent"] <= 1, (n, said, bench.ebs.puts))
    # Another image of that name, an index that is spoilt, a snapshot that has gone.
    path = bench.image("kill.17", {i: noise(i) for i in range(5)})
    said, snapshot = bench.upload(path)
    expect(not said["continued"] and same(snapshot, path), said)
    path = bench.image("kill.18", {i: noise(i) for i in range(5)})
    for spoil in ("spoil", "gone"):
        kill_at(bench, path, 3)
        index = pathlib.Path(f"{path}.ebs")
        if spoil == "spoil":
            index.write_text(index.read_text().replace("block", "blick"))
        else:
            del bench.ebs.snapshots[index.read_text().split("snapshot ")[1].split()[0]]
            bench.ebs.snapshots["another"] = Snapshot("another", {}, {})
        bench.ebs.reset()
        said, snapshot = bench.upload(path)
        expect(not said["continued"] and same(snapshot, path), (spoil, said))
        index.unlink()
    # A line that was cut.
    path = bench.image("kill.19", {i: noise(i) for i in range(5)})
    kill_at(bench, path, 5)
    index = pathlib.Path(f"{path}.ebs")
    text = index.read_bytes()
    expect(text.count(b"\nblock ") >= 3, text)
    index.write_bytes(text[:-10])
    bench.ebs.reset()
    said, snapshot = bench.upload(path)
    expect(said["continued"] and same(snapshot, path) and said["sent"] <= 3, said)


def check_others(bench):
    """An index that somebody has changed, an image that is written to."""
    path = bench.image("mine", BLOCKS)
    said, mine = bench.upload(path)
    index = pathlib.Path(f"{path}.ebs")
    foreign = Snapshot("snap-0123456789abcdef0", {"VolumeSize": 1}, {})
    foreign.state = "completed"
    larger = Snapshot("snap-0123456789abcdef1", {"VolumeSize": 2}, {})
    larger.state, larger.tags = "completed", dict(mine.tags)
    for other in (foreign, larger):
        before = dict(other.tags)
        bench.ebs.snapshots[other.name] = other
        index.write_text(index.read_text().replace(mine.name, other.name))
        said, mine = bench.upload(path)
        expect(mine is not other and not said["continued"] and same(mine, path), said)
        expect(other.tags == before, f"another's snapshot is ours now: {other.tags}")
    bench.ebs.reset()
    path = bench.image("moving", {i: noise(i) for i in range(20)})
    bench.ebs.faults = {"hold": 2}
    with bench.start(path, LANES="1") as process:
        expect(bench.ebs.held.wait(60), "it never sends so many")
        with open(path, "r+b") as f:
            f.write(b"another")
        os.utime(path, (1, 1))
        bench.ebs.go.set()
        err = process.communicate(timeout=60)[1]
    expect(process.returncode == 7 and "written to meanwhile" in err, (process.returncode, err))
    bench.ebs.reset()
    said, snapshot = bench.upload(path)
    expect(not said["continued"] and same(snapshot, path), said)


def check_former(bench):
    first = bench.image("first", BLOCKS)
    made, old = bench.upload(first)
    changed = BLOCKS | {2: noise("new"), 11: noise("more")}
    del changed[0], changed[10]
    second = bench.image("second", changed | {10: ZERO})
    bench.ebs.reset()
    said, snapshot = bench.upload(second, first)
    expect(snapshot.params["ParentSnapshotId"] == made["snapshot"], snapshot.params)
    expect(set(snapshot.sent) == {0, 2, 10, 11} and said["sent"] == 4 and same(snapshot, second), snapshot.sent.keys())
    # Killed, and a third upon the second, whose index has what the first sent.
    third = bench.image("third", changed | {3: noise(3), 4: noise(4), 5: noise(5)})
    kill_at(bench, third, 2, second)
    bench.ebs.reset()
    said, snapshot = bench.upload(third, second)
    expect(snapshot.params["ParentSnapshotId"] != made["snapshot"] and said["continued"], said)
    expect(set(snapshot.sent) == {3, 4, 5} and same(snapshot, third), snapshot.sent.keys())
    # One that cannot be built upon.
    for spoil in ("key", "smaller", "gone"):
        path = bench.image("fourth." + spoil, changed, 32 * BLOCK if spoil == "smaller" else None)
        big = bench.image("big", changed, 2049 * BLOCK)
        if spoil == "smaller":
            bench.upload(big)
        if spoil == "gone":
            old.state = "error"
        former = big if spoil == "smaller" else first
        said, snapshot = bench.upload(path, former, **({"KMS_KEY": ""} if spoil == "key" else {}))
        expect("ParentSnapshotId" not in snapshot.params and same(snapshot, path), (spoil, said))


def main():
    bench = Bench(sys.argv[1], pathlib.Path(sys.argv[2]))
    try:
        for case in (check_whole, check_sizes, check_many, check_refused, check_new, check_kill, check_others,
                     check_former):
            bench.ebs.reset()
            case(bench)
            print(case.__name__)
    except Failed as problem:
        print("failed:", case.__name__, problem)
        return 1
    finally:
        bench.wire.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
