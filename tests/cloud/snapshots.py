# SPDX-License-Identifier: Apache-2.0
"""Snapshots as EC2 has them: one takes its time, holds what was on the disk, and stays while an image
uses it."""

import time
import types

import moto.ec2.models.elastic_block_store as models
import moto.ec2.responses.elastic_block_store as calls
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidSnapshotInUse
from moto.ec2.utils import random_snapshot_id

from devices import default_key, in_use_by, tags_for

NO_VOLUME = "vol-ffffffff"  # of a snapshot that no volume was made into


class Snapshot(models.Snapshot):
    """One of the account's own."""

    __module__ = models.__name__  # moto takes the service from it

    def __init__(self, *args, knobs=None, **more):
        self.looks = self.left = knobs["snapshot_pending"] + 1  # the first tells that it is there
        self.until = time.monotonic() + knobs["snapshot_seconds"]
        self.seconds = knobs["snapshot_seconds"]
        self.end = "error" if knobs["snapshot_fails"] else "completed"
        self.sealed = True  # False: blocks of it are still being sent
        self.parent = None
        super().__init__(*args, **more)

    @property
    def status(self):
        return "pending" if not self.sealed or self.left > 0 or time.monotonic() < self.until else self.end

    @status.setter
    def status(self, _value):
        """moto's own."""

    @property
    def progress(self):
        if self.status == "completed":
            return "100%"
        parts = [0.99, (self.looks - self.left) / self.looks]
        if self.seconds:
            parts.append(1 - (self.until - time.monotonic()) / self.seconds)
        return f"{int(100 * min(parts)) if self.sealed else 0}%"

    def step(self):
        """One describe further."""
        if self.sealed and self.left > 0:
            self.left -= 1

    def complete(self):
        self.left, self.until = 0, 0

    def has_default_key(self):
        return self.encrypted and self.kms_key_id in (None, default_key(self.ec2_backend))


class Snapshots:
    """Patches moto once. life: lifecycle.Lifecycle"""

    def __init__(self, life):
        self.life = life
        self.knobs = life.knobs
        self.workers = life.workers
        self.patch_backend()
        self.patch_calls()

    def patch_backend(self):
        create, delete = models.EBSBackend.create_snapshot, models.EBSBackend.delete_snapshot

        def of_volume(backend, volume_id, description, owner_id=None, from_ami=None):
            if from_ami:
                return create(backend, volume_id, description, owner_id, from_ami)
            volume = backend.get_volume(volume_id)
            snapshot = self.add(backend, volume, description, volume.encrypted, volume.kms_key_id)
            instance = volume.attachment and volume.attachment.instance
            if instance and volume.attachment.device == instance.root_device_name:
                worker = self.workers.workers.get(instance.id)
                if worker:
                    with worker.lock:
                        self.workers.disks.keep(worker, snapshot.id)
            return snapshot

        def of_nothing(backend, size, description, encrypted=False, key=None):
            volume = types.SimpleNamespace(id=NO_VOLUME, size=size)
            return self.add(backend, volume, description, encrypted, key if encrypted else None)

        def unless_used(backend, snapshot_id):
            image = in_use_by(backend, snapshot_id)
            if image:
                raise InvalidSnapshotInUse(snapshot_id, image)
            gone = delete(backend, snapshot_id)
            self.workers.disks.contents.pop(snapshot_id, None)
            return gone

        models.EBSBackend.create_snapshot = of_volume
        models.EBSBackend.lab_snapshot = of_nothing
        models.EBSBackend.delete_snapshot = unless_used

    def add(self, backend, volume, description, encrypted, key):
        snapshot = Snapshot(backend, random_snapshot_id(), volume, description, encrypted, key, knobs=self.knobs)
        backend.snapshots[snapshot.id] = snapshot
        self.life.born(snapshot.id)
        return snapshot

    def patch_calls(self):
        def created(call):
            call.error_on_dryrun()
            snapshot = call.ec2_backend.create_snapshot(call._get_param("VolumeId"), call._get_param("Description", ""))
            snapshot.add_tags(tags_for(call, "snapshot"))
            return ActionResult(snapshot)

        def described(call):
            """Those of base images belong to Amazon: moto lists them whoever is asked for."""
            call.error_on_dryrun()
            owners = [call.current_account if o == "self" else o for o in call._get_param("OwnerIds", [])]
            if not self.life.frozen:
                for snapshot in call.ec2_backend.snapshots.values():
                    if isinstance(snapshot, Snapshot):
                        snapshot.step()
            found = call.ec2_backend.describe_snapshots(
                snapshot_ids=call._get_param("SnapshotIds", []), filters=call._filters_from_querystring())
            return ActionResult({"Snapshots": [s for s in found if not owners or s.owner_id in owners]})

        modify = calls.ElasticBlockStore.modify_snapshot_attribute

        def modified(call):
            snapshot = call.ec2_backend.get_snapshot(call._get_param("SnapshotId"))
            permission = call._get_param("CreateVolumePermission", {})
            added = permission.get("Add", []) or call._get_param("OperationType") == "add"
            if not isinstance(snapshot, Snapshot):
                raise EC2ClientError("AuthFailure", f"Not authorized for snapshot:{snapshot.id}")
            if added and snapshot.has_default_key():
                raise EC2ClientError("InvalidParameter", "Encrypted snapshots with EBS default key cannot be shared")
            call.error_on_dryrun()
            for verb, change in (("Add", call.ec2_backend.add_create_volume_permission),
                                 ("Remove", call.ec2_backend.remove_create_volume_permission)):
                rows = permission.get(verb, [])
                if rows:
                    change(snapshot.id, [r["UserId"] for r in rows if "UserId" in r],
                           [r["Group"] for r in rows if "Group" in r])
            return modify(call) if call._get_param("OperationType") else EmptyResult()

        calls.ElasticBlockStore.create_snapshot = created
        calls.ElasticBlockStore.describe_snapshots = described
        calls.ElasticBlockStore.modify_snapshot_attribute = modified
