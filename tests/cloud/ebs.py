# SPDX-License-Identifier: Apache-2.0
"""EBS direct: snapshots that are written and read by blocks of 512 KiB, each with its checksum.

"Amazon EBS direct APIs", EBS API Reference. What a request says too much of is refused, as there.
"""

import base64
import hashlib
import json
import secrets
import shutil
import time

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

import wire
from devices import default_key
from disks import BLOCK as SIZE

PER_GIB = (1 << 30) // SIZE
LIMIT = 2 << 30  # of all blocks that are kept, each once
PAGE = 1000
RESERVED = ("AWS:", "aws:")
CALLS = ("StartSnapshot", "PutSnapshotBlock", "CompleteSnapshot", "ListSnapshotBlocks", "ListChangedBlocks",
         "GetSnapshotBlock")


class Refused(Exception):
    """An error of the service."""

    def __init__(self, code, message, reason=None, status=400):
        super().__init__(message)
        self.code, self.message, self.reason, self.status = code, message, reason, status


def wrong(message, reason="INVALID_PARAMETER_VALUE"):
    return Refused("ValidationException", message, reason)


def missing(name):
    return Refused("ResourceNotFoundException", f"The snapshot '{name}' does not exist.", "SNAPSHOT_NOT_FOUND", 404)


def digest64(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def as64(text):
    """Of a digest in hexadecimal."""
    return base64.b64encode(bytes.fromhex(text)).decode()


class Ebs:
    """The service in all regions. snapshots: snapshots.Snapshots"""

    def __init__(self, snapshots):
        self.snapshots = snapshots
        self.disks = snapshots.workers.disks
        self.folder = self.disks.blocks
        self.tokens = {}    # {client token: (request, answer)}
        self.keys = {}      # {token of a block: (snapshot, index, digest)}
        self.puts = {}      # {id of a snapshot: blocks that were sent, again too}
        self.changed = {}   # {id of a snapshot: {index: digest}} of what was sent since it was started
        self.bytes = 0

    def reset(self):
        for part in (self.tokens, self.keys, self.puts, self.changed):
            part.clear()
        self.bytes = 0
        shutil.rmtree(self.folder, ignore_errors=True)

    def answer(self, request):
        if request.action not in CALLS:
            return wire.error(request, 404, "UnknownOperationException", request.action)
        try:
            return getattr(self, wire.snake(request.action))(request, request.form)
        except Refused as problem:
            body = {"Message": problem.message, **({"Reason": problem.reason} if problem.reason else {})}
            return wire.Answer(problem.status, "application/json", json.dumps(body).encode(),
                               [("x-amzn-ErrorType", problem.code)])

    def find(self, request, name, sealed=None):
        """The snapshot. sealed: it must be so"""
        snapshot = ec2_backends[DEFAULT_ACCOUNT_ID][request.region].snapshots.get(name)
        if not snapshot:
            raise missing(name)
        if sealed is False and snapshot.sealed:
            raise Refused("ConflictException", f"The snapshot '{name}' is not pending.", None, 409)
        if sealed and snapshot.status != "completed":
            raise wrong(f"The snapshot '{name}' is not completed.", "INVALID_SNAPSHOT_ID")
        return snapshot

    def start_snapshot(self, request, form):
        token = form.get("ClientToken")
        fields, answer = self.tokens.get((request.region, token), (None, None))
        if answer and fields != form:
            raise Refused("ConflictException", "The client token was used for another request.", None, 409)
        if answer:
            return answer
        backend = ec2_backends[DEFAULT_ACCOUNT_ID][request.region]
        size, parent = form.get("VolumeSize"), form.get("ParentSnapshotId")
        if not isinstance(size, int) or not 1 <= size <= 65536:
            raise wrong(f"VolumeSize '{size}'", "INVALID_VOLUME_SIZE")
        if parent and "Encrypted" in form:
            raise wrong("ParentSnapshotId and Encrypted", "INVALID_PARAMETER_VALUE")
        if form.get("KmsKeyArn") and not form.get("Encrypted"):
            raise wrong("KmsKeyArn without Encrypted", "INVALID_CUSTOMER_KEY")
        tags = {t["Key"]: t["Value"] for t in form.get("Tags", [])}
        if any(key.startswith(RESERVED) for key in tags):
            raise wrong("a tag that is reserved", "INVALID_TAG")
        older = self.find(request, parent, True) if parent else None
        if older and older.volume_size > size:
            raise wrong(f"VolumeSize '{size}' is less than that of '{parent}'", "INVALID_VOLUME_SIZE")
        encrypted = bool(form.get("Encrypted") or older and older.encrypted)
        key = form.get("KmsKeyArn") or (older and older.kms_key_id) or default_key(backend)
        snapshot = backend.lab_snapshot(size, form.get("Description", ""), encrypted, key)
        snapshot.sealed, snapshot.parent = False, parent
        snapshot.add_tags(tags)
        content = self.disks.contents[snapshot.id] = self.disks.empty()
        content.blocks = dict(self.disks.get(parent).blocks) if parent else {}
        self.puts[snapshot.id], self.changed[snapshot.id] = 0, {}
        said = {"SnapshotId": snapshot.id, "OwnerId": backend.account_id, "Status": "pending",
                "StartTime": time.time(), "VolumeSize": size, "BlockSize": SIZE, "Tags": form.get("Tags", []),
                "Description": form.get("Description", ""), "ParentSnapshotId": parent,
                "KmsKeyArn": key if encrypted else None}
        answer = document({k: v for k, v in said.items() if v is not None}, 201)
        if token:
            self.tokens[request.region, token] = (form, answer)
        return answer

    @staticmethod
    def index_of(snapshot, text):
        if not text.isdigit() or int(text) >= snapshot.volume_size * PER_GIB:
            raise wrong(f"block '{text}' is outside of the volume", "INVALID_BLOCK")
        return int(text)

    def put_snapshot_block(self, request, form):
        snapshot = self.find(request, form["SnapshotId"], False)
        index = self.index_of(snapshot, form["BlockIndex"])
        if request.header("x-amz-checksum-algorithm") != "SHA256":
            raise wrong("ChecksumAlgorithm")
        if request.header("x-amz-data-length") != str(SIZE) or len(request.body) != SIZE:
            raise wrong(f"a block of {len(request.body)} bytes", "INVALID_BLOCK")
        if request.header("x-amz-checksum") != digest64(request.body):
            raise wrong("The checksum is not that of the block.", "INVALID_BLOCK")
        digest = hashlib.sha256(request.body).hexdigest()
        where = self.folder / digest
        if not where.exists():
            if self.bytes + SIZE > LIMIT:
                raise Refused("ServiceQuotaExceededException", "the lab keeps no more", None, 402)
            self.folder.mkdir(exist_ok=True)
            where.write_bytes(request.body)
            self.bytes += SIZE
        self.puts[snapshot.id] += 1
        self.changed[snapshot.id][index] = digest
        self.disks.get(snapshot.id).blocks[index] = digest
        return wire.Answer(201, "application/json", b"{}", [
            ("x-amz-Checksum", as64(digest)), ("x-amz-Checksum-Algorithm", "SHA256")])

    def complete_snapshot(self, request, form):
        snapshot = self.find(request, form["SnapshotId"])
        head = request.header
        changed = self.changed.get(snapshot.id)
        if changed is None:
            raise wrong("The snapshot was not started here.", "INVALID_SNAPSHOT_ID")
        if head("x-amz-changedblockscount") != str(len(changed)):
            raise wrong(f"ChangedBlocksCount '{head('x-amz-changedblockscount')}': {len(changed)} were sent")
        total = head("x-amz-checksum")
        if total is not None:
            if (head("x-amz-checksum-algorithm"), head("x-amz-checksum-aggregation-method")) != ("SHA256", "LINEAR"):
                raise wrong("ChecksumAlgorithm, ChecksumAggregationMethod")
            if total != digest64(b"".join(bytes.fromhex(changed[i]) for i in sorted(changed))):
                raise wrong("The checksum is not that of the blocks.")
        snapshot.sealed = True
        return document({"Status": snapshot.status}, 202)

    def token(self, name, index, digest):
        token = base64.b64encode(secrets.token_bytes(33)).decode()
        self.keys[token] = (name, index, digest)
        return token

    def page(self, request, rows):
        """Rows by index from where the request says, and where the next page begins."""
        query = request.query
        start = int(query.get("pageToken") or query.get("startingBlockIndex") or 0)
        size = int(query.get("maxResults") or PAGE)
        if not 100 <= size <= 10000:
            raise wrong(f"MaxResults '{size}'")
        rest = sorted(i for i in rows if i >= start)
        return rest[:size], str(rest[size]) if len(rest) > size else None

    def listed(self, snapshot, name, rows, after):
        said = {name: rows, "VolumeSize": snapshot.volume_size, "BlockSize": SIZE,
                "ExpiryTime": time.time() + 604800, "NextToken": after}
        return document({k: v for k, v in said.items() if v is not None})

    def list_snapshot_blocks(self, request, form):
        snapshot = self.find(request, form["SnapshotId"], True)
        blocks = self.disks.get(snapshot.id).blocks
        indexes, after = self.page(request, blocks)
        return self.listed(snapshot, "Blocks", [
            {"BlockIndex": i, "BlockToken": self.token(snapshot.id, i, blocks[i])} for i in indexes], after)

    def list_changed_blocks(self, request, form):
        second = self.find(request, form["SecondSnapshotId"], True)
        first = request.query.get("firstSnapshotId")
        old = self.disks.get(self.find(request, first, True).id).blocks if first else {}
        new = self.disks.get(second.id).blocks
        indexes, after = self.page(request, [i for i in {*old, *new} if old.get(i) != new.get(i)])
        rows = []
        for i in indexes:
            rows.append({"BlockIndex": i})
            for member, name, blocks in (("FirstBlockToken", first, old), ("SecondBlockToken", second.id, new)):
                if i in blocks:
                    rows[-1][member] = self.token(name, i, blocks[i])
        return self.listed(second, "ChangedBlocks", rows, after)

    def get_snapshot_block(self, request, form):
        snapshot = self.find(request, form["SnapshotId"], True)
        index = self.index_of(snapshot, form["BlockIndex"])
        name, known, digest = self.keys.get(request.query.get("blockToken"), (None, None, None))
        if (name, known) != (snapshot.id, index):
            raise wrong("BlockToken", "INVALID_BLOCK_TOKEN")
        return wire.Answer(200, "application/octet-stream", (self.folder / digest).read_bytes(), [
            ("x-amz-Checksum", as64(digest)), ("x-amz-Checksum-Algorithm", "SHA256"),
            ("x-amz-Data-Length", str(SIZE))])

    def report(self, name):
        """What was sent of a snapshot."""
        return {"puts": self.puts.get(name, 0), "blocks": len(self.changed.get(name, ()))}


def document(value, status=200):
    answer = wire.document(value)
    answer.status = status
    return answer
