#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""big.py DIR: files of more than 4 GiB, dense and sparse, unpacked by us and by GNU tar into DIR, a
file system in memory. One line each: the name, a tab and what is wrong."""
import os
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from archives import END, entry, item, ours
from sandbox import agent, gnu_tar

SIZE = (4 << 30) + 3 * (1 << 20) + 512
BLOCK = 128 * 1024


def repeated(byte, count, last):
    """Blocks of one byte each (RFC 8878 section 3.1.1.2)."""
    out = b""
    while count > 0:
        n = min(count, BLOCK)
        out += struct.pack("<I", n << 3 | 2 | (last and n == count))[:3] + byte
        count -= n
    return out


def raw(data, last=False):
    return struct.pack("<I", len(data) << 3 | last)[:3] + data


def header():
    return bytes(item("big/file", says=SIZE))


def dense():
    """A single frame with a window of 8 MiB: directory and header, zeros, a mark at the end."""
    return (b"\x28\xb5\x2f\xfd\x00\x68" + raw(entry("big", kind=b"5") + header())
            + repeated(b"\0", SIZE - 512, False) + raw(b"x" * 512 + END, True))


def dense_ours():
    size = 1 << 20
    zeros = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size) + repeated(b"\0", size, True)
    part = zeros, bytes(size)
    frames = [[item("big", kind=b"5")], [header(), bytes(size - 512)]] + [part] * ((SIZE >> 20) - 1)
    left = SIZE - (size - 512) - size * (len(frames) - 2)
    frames.append([bytes(left - 512), b"x" * 512])
    return ours(frames + [[END]], spans=[(1, len(frames) - 1)], dirs=[(0, "big")], entries=2, bytes=SIZE,
                largest=SIZE)


def look(path):
    """Its size, what stands around the borders, and a page of each MiB."""
    with open(path, "rb") as f:
        parts = []
        for at in [0, (2 << 30) - 4096, (4 << 30) - 4096, SIZE - 8192]:
            parts.append(os.pread(f.fileno(), 8192, at))
        seen = [at for at in range(0, SIZE, 1 << 20) if any(os.pread(f.fileno(), 4096, at))]
        st = os.fstat(f.fileno())
        return st.st_size, parts, seen, st.st_mode, int(st.st_mtime)


def compare(top, name, path, inner):
    ours_, theirs = os.path.join(top, "ours"), os.path.join(top, "theirs")
    r = agent("unpack", "-q", path, ours_)
    v = agent("verify", "-q", path)
    why = r.stderr + v.stderr
    got = None if r.returncode else look(os.path.join(ours_, inner))
    there = 0 if r.returncode else os.stat(os.path.join(ours_, inner)).st_blocks * 512
    subprocess.run(["rm", "-rf", ours_], check=True)
    t = gnu_tar(path, theirs)
    if not why and t.returncode == 0 and got != look(os.path.join(theirs, inner)):
        why = "they differ"
    subprocess.run(["rm", "-rf", theirs], check=True)
    print(f"{name}, {there >> 20} MiB of it stored\t{(why + t.stderr).strip()}")
    sys.stdout.flush()


def main():
    top = sys.argv[1]
    path = os.path.join(top, "big_c5.tar.zst")
    for name, make in (("dense", dense), ("dense, ours", dense_ours)):
        with open(path, "wb") as f:
            f.write(make())
        compare(top, name, path, "big/file")
    tree = os.path.join(top, "big")
    os.mkdir(tree)
    with open(os.path.join(tree, "file"), "wb") as f:
        for at in (4096, (2 << 30) - 10, (4 << 30) - 10, SIZE - 5):
            f.seek(at)
            f.write(b"some\n")
    subprocess.run(["tar", "-S", "--format=pax", "-I", "zstd -1 -q", "-cf", path, "-C", top, "big"], check=True)
    compare(top, "sparse", path, "big/file")
    r = agent("pack", "-q", "--level=1", tree, "-o", path)
    if r.returncode:
        print(f"packed\t{r.stderr}")
    compare(top, "sparse, packed", path, "big_c5/file")


main()
