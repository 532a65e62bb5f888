# SPDX-License-Identifier: Apache-2.0
"""What is on the disks: of machines with a root of their own, of the snapshots that were made of
them, and of those whose blocks somebody sent."""

import dataclasses
import os
import pathlib
import shutil
import stat
import struct
import subprocess

BLOCK = 524288


@dataclasses.dataclass
class Content:
    """Of one snapshot."""

    layers: list | None = None  # folders of an overlay file system, upper ones first; None: no root
    frozen: bool = False        # its file system stood still when it was made
    blocks: dict = dataclasses.field(default_factory=dict)  # ebs.py: {index: digest in hexadecimal}


class Disks:
    """All of them, in a folder. root: that of base images, or None."""

    def __init__(self, folder, root):
        self.folder = pathlib.Path(folder, "disks")
        self.blocks = pathlib.Path(folder, "blocks")  # by digest: ebs.py
        self.root = root
        self.contents = {}  # {id of a snapshot: Content}
        self.spoilt = {}    # {id of an image: shell commands, run as root in what starts from it}
        self.serial = 0

    def reset(self):
        self.contents.clear()
        self.spoilt.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, snapshot):
        return self.contents.get(snapshot) or Content()

    @staticmethod
    def empty():
        return Content()

    def copy(self, source, to):
        """Of a snapshot, for another one."""
        if source in self.contents:
            self.contents[to] = dataclasses.replace(self.contents[source])

    def keep(self, worker, snapshot):
        """What is on the disk of a machine now. worker: None where it does not run"""
        if worker is None or worker.layers is None:
            self.contents[snapshot] = Content()
            return
        layers = list(worker.layers)
        if (worker.folder / "upper").exists():
            self.serial += 1
            kept = self.folder / str(self.serial)
            self.folder.mkdir(exist_ok=True)
            # Files that go away meanwhile are no reason to fail.
            subprocess.run(["cp", "-a", worker.folder / "upper", kept], check=False, stderr=subprocess.DEVNULL)
            layers.insert(0, str(kept))
        self.contents[snapshot] = Content(layers, worker.frozen)

    def layers_of(self, image, pattern_matches):
        """For a machine that starts from this image of moto's; None: it borrows the system's root.
        pattern_matches: the knob "roots" is for it"""
        content = self.get(image.ebs_snapshot.id)
        if content.layers is None and content.blocks:
            content.layers = [self.unpack(content.blocks)]
        layers = content.layers
        if layers is None and pattern_matches:
            if not self.root:
                raise OSError("the lab has no --root")
            layers = [self.root]
        return layers


    def unpack(self, blocks):
        """The root file system of a disk, as a folder."""
        self.serial += 1
        disk, root = self.folder / f"{self.serial}.disk", self.folder / str(self.serial)
        root.mkdir(parents=True)
        read = lambda index: (self.blocks / blocks[index]).read_bytes() if index in blocks else bytes(BLOCK)  # noqa: E731
        start = root_of(read(0), read)
        with open(disk, "wb") as f:
            for index in blocks:
                at = index * BLOCK - start
                if at + BLOCK > 0:
                    f.seek(max(at, 0))
                    f.write(read(index)[max(-at, 0):])
            f.truncate(max(f.tell(), (max(blocks) + 1) * BLOCK - start))
        subprocess.run(["debugfs", "-R", f"rdump / {root}", disk], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        disk.unlink()
        root.chmod(0o755)
        return str(root)


def is_ext(data):
    return data[1080:1082] == b"\x53\xef"


def root_of(head, read):
    """Where the root file system begins: the biggest of the ext family in a table of partitions (UEFI
    Specification, 5.3), or the disk itself. head: its first block; read: a block by its number"""
    if is_ext(head):
        return 0
    if head[512:520] != b"EFI PART":
        raise OSError("a disk without a file system or partitions")
    table, count, size = struct.unpack_from("<QII", head, 512 + 72)
    found = []
    for number in range(count):
        first, last = struct.unpack_from("<QQ", head, table * 512 + number * size + 32)
        place, within = divmod(first * 512, BLOCK)
        if first and is_ext((read(place) + read(place + 1))[within:]):
            found.append((last - first, first * 512))
    if not found:
        raise OSError("a disk whose partitions have no file system that is known")
    return max(found)[1]


def look(layers, path):
    """The text of a file in these layers, "" where there is none."""
    for layer in layers:
        where = pathlib.Path(layer, path.lstrip("/"))
        try:
            status = os.lstat(where)
        except OSError:
            if any(is_hidden(layer, p) for p in pathlib.Path(path.lstrip("/")).parents):
                return ""
            continue
        if stat.S_ISREG(status.st_mode):
            return where.read_text("utf-8", "replace")
        return ""
    return ""


def is_hidden(layer, path):
    """Is this folder gone in the layer, or another than that below?"""
    where = pathlib.Path(layer, path)
    try:
        if stat.S_ISCHR(os.lstat(where).st_mode):
            return True
        return os.getxattr(where, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False
