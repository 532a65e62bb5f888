# SPDX-License-Identifier: Apache-2.0
"""Odd trees for pack: what it makes of each must unpack to what GNU tar makes of it."""
import hashlib
import os

FRAME = 64 * 1024
ROOT = os.geteuid() == 0


def noise(size, seed=0):
    return b"".join(hashlib.sha256(b"%d %d" % (seed, i)).digest() for i in range(size // 32 + 1))[:size]


def put(top, name, data=b"", mode=None, mtime=None, owner=None):
    path = os.path.join(os.fsencode(top), name if isinstance(name, bytes) else os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    if owner and ROOT:
        os.chown(path, *owner)
    if mode is not None:
        os.chmod(path, mode)
    if mtime is not None:
        os.utime(path, ns=(0, mtime))
    return path


def every_kind(top):
    """Everything that pack takes, about 2 MiB of it, most in files that span frames or not quite."""
    tool = put(top, "bin/tool", b"#!/bin/sh\n" * 100, mode=0o4755)
    os.link(tool, os.path.join(top, "bin", "same"))
    os.symlink("tool", os.path.join(top, "bin", "link"))
    os.symlink("x" * 300, os.path.join(top, "bin", "far"))
    put(top, "lib/big", noise(640000, 1), owner=(3000000, 5))
    put(top, "lib/larger", noise(900000, 2))
    put(top, "lib/" + "n" * 200, b"long\n")
    put(top, b"lib/u\xcc\x88-\xff", b"odd\n")
    put(top, "lib/deep/empty", mtime=-3_000_000_000)
    put(top, "lib/deep/late", mtime=7258118400_123456789)
    for i in range(20):
        put(top, f"share/f{i}", noise(700 * i, 3 + i) + b"text\n" * 50 * i, mtime=1_600_000_000_000_000_000 + i)
    with open(put(top, "share/sparse"), "r+b") as f:
        for at in (100_000, 300_000, 900_000):
            f.seek(at)
            f.write(noise(5000, at))
        f.truncate(1 << 20)
    os.link(os.path.join(top, "share", "sparse"), os.path.join(top, "share", "sparse too"))
    os.link(tool, os.path.join(top, "share", "zz"))
    set_xattr(put(top, "share/with", b"attributes"), "user.colour", b"blue\0\n=")
    os.mkdir(os.path.join(top, "lib", "er"))
    set_xattr(os.path.join(top, "lib", "er"), "user.kind", b"")
    os.chmod(os.path.join(top, "lib", "er"), 0o500)
    os.utime(os.path.join(top, "lib"), ns=(0, 5_000_000_001))


def set_xattr(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError:
        pass


def only_top(top):
    os.chmod(top, 0o711)


def one_empty_file(top):
    put(top, "f")


def nothing_in_anything(top):
    for i in range(30):
        os.makedirs(os.path.join(top, f"d{i}", "e"))
        put(top, f"d{i}/f")
        os.symlink("f", os.path.join(top, f"d{i}", "s"))
        os.link(os.path.join(top, f"d{i}", "f"), os.path.join(top, f"d{i}", "h"))


def links_across_frames(top):
    for i in range(12):
        put(top, f"a{i:02}", noise(30000, i))
    for i in range(12):
        os.mkdir(os.path.join(top, f"b{i:02}"))
        os.link(os.path.join(top, f"a{(i * 5) % 12:02}"), os.path.join(top, f"b{i:02}", "l"))
        put(top, f"b{i:02}/n", noise(20000, 50 + i))
    put(top, "big", noise(5 * FRAME, 99))
    os.link(os.path.join(top, "big"), os.path.join(top, "zzz"))


def sizes_around_frames(top):
    for i, n in enumerate((FRAME - 1024, FRAME - 513, FRAME - 512, FRAME - 511, FRAME - 1, FRAME, FRAME + 1,
                           2 * FRAME - 512, 2 * FRAME - 511, 2 * FRAME, 3 * FRAME + 7)):
        put(top, f"f{i:02}", noise(n, i))
        put(top, f"f{i:02}-", b"")


def names_in_order(top):
    """A slash comes before all bytes but the end."""
    for name in ("a/b", "a.b", "a-b", "a b", "a!", "ab", "a0/x", "a0.x", "a00", "A", "a/b.c/d", "a/b-c", "a/bc",
                 "\u00e4/x", "\u00e4.x", "~", "\x01/x", "\x02"):
        path = os.path.join(top, name)
        if not os.path.isdir(path):
            put(top, name, name.encode())


def odd_names(top):
    for name in (b" ", b"-f", b"--help", b"new\nline", b"tab\t", b"\xff\xfe", b"\xc3\xa4", b"...", b"..a", b"a\\b",
                 b"*", b"$(x)", b"'\"", b"#a", b"=a", b"n" * 255, b"\x7f", b"\x1b[31m"):
        put(top, name, name)
        os.makedirs(os.path.join(os.fsencode(top), b"d", name))
        os.symlink(name, os.path.join(os.fsencode(top), b"d", name, b"s"))


def long_paths(top):
    path = ""
    for i in range(38):
        path += "p" * 98 + "/"
        put(top, path + "f", b"%d" % i)
    for n in (90, 91, 92, 93, 94, 95, 99, 100, 101, 154, 155, 156):
        put(top, "q" * n, b"x")
        os.symlink("t" * n, os.path.join(top, "r" * n))
    os.symlink("t" * 4095, os.path.join(top, "longest"))


def deep(top):
    os.makedirs(os.path.join(top, *["d"] * 190))
    put(top, "/".join(["d"] * 190) + "/f", b"deep")


def closed(top):
    for i, mode in enumerate((0, 0o111, 0o222, 0o444, 0o500, 0o555, 0o1777, 0o2755, 0o3000)):
        put(top, f"c{i}/in/f", noise(20000, i), mode=mode)
        os.chmod(os.path.join(top, f"c{i}", "in"), mode)
        os.chmod(os.path.join(top, f"c{i}"), mode)


def owners(top):
    for i, owner in enumerate(((0, 0), (1, 2), (2097151, 2097152), (4294967294, 4294967294), (70000, 0))):
        path = put(top, f"o{i}/f", b"x", owner=owner, mode=0o6755)
        os.symlink("f", os.path.join(top, f"o{i}", "s"))
        if ROOT:
            os.chown(os.path.dirname(path), *owner)
            os.lchown(os.path.join(top, f"o{i}", "s"), *owner)


def times(top):
    second = 10**9
    for i, t in enumerate((0, 1, second - 1, -second, -2 * second + 500, -(2**31) * second, 2**31 * second, 2**32 * second + 1,
                           8589934591 * second, 8589934592 * second, 1_600_000_000 * second + 123456789)):
        put(top, f"t{i}", b"x", mtime=t)
        os.symlink("x", os.path.join(top, f"s{i}"))
        os.utime(os.path.join(top, f"s{i}"), ns=(0, t), follow_symlinks=False)
        os.mkdir(os.path.join(top, f"d{i}"))
        os.utime(os.path.join(top, f"d{i}"), ns=(0, t))


def attributes(top):
    for i in range(12):
        path = put(top, f"f{i}", b"x")
        for k in range(i):
            set_xattr(path, f"user.name{k}.{'n' * k}", noise(k * 17, k))
    os.mkdir(os.path.join(top, "d"))
    set_xattr(os.path.join(top, "d"), "user.d", b"of a directory")
    set_xattr(put(top, "large", b"x"), "user.large", noise(2000))


def many_files(top):
    for i in range(60):
        for k in range(40):
            put(top, f"d{i:02}/f{k:02}", b"%d" % k * k)


def many_directories(top):
    for i in range(1500):
        os.makedirs(os.path.join(top, f"d{i % 10}", f"e{i % 150}", f"f{i}"))


def sparse(top):
    for name, size, places in (("hole", 1 << 20, ()), ("end", 1 << 20, ((1 << 20) - 1,)), ("begin", 1 << 20, (0,)),
                               ("pieces", 4 << 20, range(0, 4 << 20, 65536)), ("odd", 777777, (4096, 123456, 555555))):
        with open(put(top, name), "r+b") as f:
            for at in places:
                f.seek(at)
                f.write(b"d")
            f.truncate(size)


ALL = (every_kind, only_top, one_empty_file, nothing_in_anything, links_across_frames, sizes_around_frames, names_in_order,
       odd_names, long_paths, deep, closed, owners, times, attributes, many_files, many_directories, sparse)
