# SPDX-License-Identifier: Apache-2.0
"""Odd archives that are right: what we unpack must equal what GNU tar makes of them."""
import bz2
import gzip
import os
import random
import subprocess
import tarfile

from archives import (CODECS, END, base256, directory, entry, gnu_sparse, hardlink, lz4, patched, raw_pax,
                      record, signed_sum, sized_zst, stored_zst, symlink, xz_blocks)

PAX, GNU, USTAR = tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT


def v7(block):
    """A header from before ustar: no magic, nothing behind it."""
    b = bytearray(block)
    b[257:512] = bytes(255)
    return patched(bytes(b[:512])) + bytes(b[512:])


def tars():
    text = b"text\n" * 300
    long_name = "long/" + "n" * 200 + "/" + "m" * 150
    yield "plain", directory("d") + entry("d/f", text) + entry("d/empty")
    yield "v7", v7(entry("f", text)) + v7(entry("d/", kind=b"\0", size=0))
    yield "ustar-prefix", entry("p" * 90 + "/" + "q" * 90, text, form=USTAR)
    yield "gnu-long", entry(long_name, text, form=GNU) + symlink("l", "t" * 300, form=GNU)
    yield "pax-long", entry(long_name, text, form=PAX) + symlink("l", "t" * 300, form=PAX)
    yield "pax-times", (entry("ns", text, pax={"mtime": "1600000000.123456789"})
                        + entry("old", text, pax={"mtime": "-1.5"})
                        + directory("d", pax={"mtime": "5.000000001"}))
    yield "pax-global", (entry("g", record(b"comment", b"hello"), kind=b"g") + entry("f", text))
    yield "names", (entry("with space", text) + entry("new\nline", text) + entry("tab\t", text)
                    + entry("umlaut-\u00fc", text, form=PAX) + entry("umlaut-\u00e4", text, form=GNU)
                    + entry("latin-\udcfc", text, form=GNU) + entry("-dash", text)
                    + entry("back\\slash", text) + entry("dot.", text) + entry("...", text))
    yield "long-latin", entry("l\udcfc" * 90, text, form=GNU)
    yield "raw-pax-latin", raw_pax(record(b"path", b"raw-\xfc" * 30)) + entry("x", text)
    yield "dots", (directory("./", mode=0o750) + directory("./a") + entry("./a/./b", text)
                   + entry("./a//c", text) + entry("./d", text))
    yield "slash-at-end", entry("dir/", kind=tarfile.REGTYPE, form=USTAR) + entry("dir/x", text)
    yield "implied", entry("a/b/c/d", text) + entry("a/b2/c", text)
    yield "closed-directories", (directory("r", mode=0o555, mtime=1) + directory("r/s", mode=0o500)
                                 + entry("r/s/f", text, mode=0o400) + directory("r/none", mode=0))
    yield "directory-late", entry("d/f", text) + directory("d", mode=0o700, mtime=7)
    yield "directory-twice", (directory("d", mode=0o700, mtime=1) + entry("d/f", text)
                              + directory("d", mode=0o711, mtime=2))
    yield "hardlinks", (entry("a", text) + directory("d") + hardlink("d/b", "a")
                        + hardlink("c", "./d/b") + hardlink("c", "a"))
    yield "symlinks", (symlink("dangling", "nowhere") + symlink("absolute", "/etc/passwd")
                       + symlink("up", "../../../etc") + symlink("self", "self"))
    yield "file-twice", entry("f", b"first and longer") + entry("f", b"second", mode=0o600)
    yield "file-over-link", symlink("f", "nowhere") + entry("f", text)
    yield "file-over-directory", directory("f") + entry("f", text)
    yield "file-over-hardlink", entry("a", text) + hardlink("b", "a") + entry("b", b"other")
    yield "link-over-file", entry("f", text) + symlink("f", "elsewhere")
    yield "link-over-directory", directory("f") + symlink("f", "elsewhere")
    yield "directory-over-file", entry("d", text) + directory("d") + entry("d/x", text)
    yield "directory-over-link", symlink("d", "elsewhere") + directory("d") + entry("d/x", text)
    yield "hardlink-over-file", entry("a", text) + entry("b", b"b") + hardlink("b", "a")
    yield "owners", (entry("u", text, uid=12345, gid=54321) + directory("d", uid=1, gid=2)
                     + symlink("s", "t", uid=3, gid=4)
                     + patched(entry("big"), uid=base256(3000000000, 8)))
    yield "modes", b"".join(entry("m%o" % m, text, mode=m) for m in (0, 0o777, 0o1644, 0o421)) \
        + directory("sticky", mode=0o1777) + directory("sgid", mode=0o2755)
    yield "sparse-gnu", (gnu_sparse("s", b"a" * 512 + b"b" * 512, [(0, 512), (1 << 20, 512), (3 << 20, 0)],
                         3 << 20)
                         + gnu_sparse("hole", b"", [(5 << 20, 0)], 5 << 20) + entry("after", text))
    yield "xattrs", (entry("x", text, pax={"SCHILY.xattr.user.colour": "blue",
                                           "SCHILY.xattr.security.capability": "none"})
                     + directory("d", pax={"SCHILY.xattr.user.kind": "directory"}))
    yield "volume-label", entry("label", kind=b"V", form=GNU) + entry("f", text)
    yield "unknown-type", entry("u", text, kind=b"Z") + entry("contiguous", text, kind=b"7")
    yield "big", entry("b", bytes(range(256)) * 40000)
    yield "deep", entry("/".join(["d"] * 300) + "/f", text)


def more_tars():
    """Odder ones."""
    text = b"text\n" * 300
    yield "nothing-in-anything", (directory("d") + entry("e") + entry("d/e") + symlink("s", "e") + hardlink("h", "e")
                                  + directory("d/d") + entry("n" * 150) + entry("p", pax={"mtime": "0"}))
    yield "sizes", b"".join(entry(f"s{n}", b"x" * n) for n in (0, 1, 511, 512, 513, 1023, 1024, 1025, 65536))
    yield "name-lengths", b"".join(entry("ng"[f == GNU] * n, text, form=f) for n in (99, 100, 101, 155, 156, 255)
                                   for f in (PAX, GNU))
    yield "prefix-lengths", b"".join(entry("p" * p + "/" + "q" * q, text, form=USTAR)
                                     for p, q in ((1, 100), (100, 99), (154, 100), (155, 1), (155, 100)))
    yield "link-lengths", b"".join(symlink(f"s{n}-{i}", "t" * n, form=f) for n in (99, 100, 101, 1000, 4000)
                                   for i, f in enumerate((PAX, GNU)))
    yield "long-hardlinks", (entry("n" * 200, text) + hardlink("m" * 200, "n" * 200, form=GNU)
                             + hardlink("o" * 200, "n" * 200, form=PAX))
    yield "long-path", entry("/".join(["d" * 200] * 19), text, form=PAX)
    yield "long-path-gnu", entry("/".join(["d" * 100] * 35), text, form=GNU)
    yield "pax-everything", entry("x", text, pax={
        "path": "real", "size": str(len(text)), "uid": "70000", "gid": "80000", "mtime": "123.5",
        "atime": "1", "ctime": "2", "comment": "none", "uname": "nobody-here", "gname": "none-here"})
    yield "pax-digits", entry("x", text, pax={"mtime": "1600000000.1234567899999"})
    yield "pax-charset", entry("x", text, pax={"hdrcharset": "BINARY", "path": "binary"})
    yield "pax-linkpath", entry("a", text) + hardlink("h", "x", pax={"linkpath": "a"})
    yield "pax-record-twice", raw_pax(record(b"path", b"first") + record(b"path", b"second")) + entry("x", text)
    yield "pax-long-value", entry("x", text, pax={"SCHILY.xattr.user.long": "v" * 2000})
    yield "pax-of-directory", directory("x", pax={"path": "d/"}) + entry("d/f", text)
    yield "xattr-bytes", (raw_pax(record(b"SCHILY.xattr.user.bytes", bytes(range(256))) + record(
        b"SCHILY.xattr.user.none", b"") + record(b"SCHILY.xattr.user.a=b", b"=c")) + entry("x", text))
    yield "xattr-many", entry("x", text, pax={f"SCHILY.xattr.user.n{i}": "v" * i for i in range(40)})
    yield "times", (patched(entry("minus"), mtime=b"\xff" * 9 + b"\x01\x02\x03") + entry("zero", mtime=0)
                    + patched(entry("late"), mtime=base256(7258118400, 12)) + entry("last", mtime=0o77777777777))
    yield "numbers-with-blanks", patched(entry("a", text, form=USTAR), size=b"    2734 ", uid=b"   12 ", mode=b"   644 ")
    yield "numbers-without-end", patched(entry("a", text, form=USTAR), size=b"000000002734", mtime=b"013727410000")
    yield "large-ids", (patched(entry("a"), uid=base256(4294967294, 8), gid=base256(4294967294, 8))
                        + entry("b", pax={"uid": "4294967294", "gid": "3000000000"}))
    yield "signed-checksum", signed_sum(entry("\udcfc\udcfd\udcfe", text, form=GNU)[:512]) + text + bytes(36)
    yield "size-of-hardlink", (entry("a", text, form=USTAR) + patched(hardlink("b", "a", form=USTAR), size=b"00000002734")
                               + entry("c", text))
    yield "size-of-symlink", patched(symlink("s", "t"), size=b"00000002734") + entry("c", text)
    yield "size-of-directory", patched(directory("d", form=USTAR), size=b"00000001000") + entry("d/x", text)
    yield "v7-links", v7(entry("a", text)) + v7(hardlink("b", "a")) + v7(symlink("c", "a"))
    yield "sparse-gnu-pieces", gnu_sparse("s", b"".join(bytes([i]) * 512 for i in range(60)),
                                          [(i * 8192, 512) for i in range(60)] + [(1 << 20, 0)], 1 << 20)
    yield "sparse-gnu-whole", gnu_sparse("s", b"w" * 2048, [(0, 2048)], 2048) + entry("after", text)
    yield "sparse-gnu-nothing", gnu_sparse("s", b"", [(0, 0)], 0) + entry("after", text)
    yield "hardlink-chain", entry("a", text) + b"".join(hardlink(chr(98 + i), chr(97 + i)) for i in range(20))
    yield "hardlink-then-new", (entry("a", text) + hardlink("b", "a") + entry("a", b"new") + hardlink("c", "a"))
    yield "hardlink-twice", entry("a", text) + hardlink("b", "a") + hardlink("b", "a")
    yield "hardlink-attributes", entry("a", text, mode=0o600, mtime=1) + hardlink("b", "a", mode=0o600, mtime=1)
    yield "three-times", entry("f", text) + entry("f", b"") + entry("f", text[:5], mode=0o400)
    yield "to-and-fro", (entry("x", text) + directory("x") + symlink("x", "y") + entry("x", text) + symlink("x", "z"))
    yield "empty-directories", b"".join(directory(f"d{i}", mode=0o700 + i, mtime=i) for i in range(60))
    yield "closed-deep", (b"".join(directory("/".join(["c"] * i), mode=0, mtime=i) for i in range(1, 20))
                          + entry("/".join(["c"] * 19) + "/f", text, mode=0))
    yield "closed-then-filled", directory("r", mode=0o111) + b"".join(entry(f"r/{i}", text) for i in range(20))
    yield "directory-times", (directory("a", mtime=1) + directory("a/b", mtime=2) + entry("a/b/f", text)
                              + entry("a/g", text) + symlink("a/s", "t"))
    yield "suid-and-sticky", (entry("u", text, mode=0o4755, uid=5) + entry("g", text, mode=0o2755, gid=6)
                              + directory("t", mode=0o3777) + entry("s", text, mode=0o1600))
    yield "many", b"".join(directory(f"d{i:02}") + b"".join(entry(f"d{i:02}/f{k}", text[:k]) for k in range(40))
                           for i in range(50))
    yield "top-only", directory("./", mode=0o711, mtime=3)
    yield "dots-and-slashes", (directory("a//") + entry("a///b", text) + entry("./././c", text) + directory("a/./d/"))


def variants(data):
    """One tar by every codec, as their programs can be told to."""
    run = lambda *how, data=data: subprocess.run(how, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                                 check=True).stdout
    half = len(data) // 2
    yield "plain.tar", data
    for n, how in enumerate((["-0"], ["-9e"], ["--block-size=16KiB"], ["-T2", "--block-size=32KiB"], ["--check=none"],
                             ["--check=crc32"], ["--check=sha256"], ["--x86", "--lzma2=preset=1"],
                             ["--delta=dist=4", "--lzma2=preset=1"], ["--lzma2=preset=1,dict=4KiB"])):
        yield f"{n}{''.join(how)}.tar.xz".replace("=", "-"), run("xz", "-c", *how)
    yield "streams.tar.xz", run("xz", "-c", data=data[:half]) + bytes(8) + run("xz", "-c", data=data[half:]) + bytes(4)
    for n, how in enumerate((["-1"], ["-19"], ["--fast=5"], ["--long=27"], ["--no-check"], ["-T2", "-B65536"],
                             ["--ultra", "-22"], ["--rsyncable", "-T1"], [f"--stream-size={len(data)}"])):
        yield f"{n}{''.join(how)}.tar.zst".replace("=", "-"), run("zstd", "-q", "-c", *how)
    skip = b"\x50\x2a\x4d\x18\x05\0\0\0hello"
    yield "skippable.tar.zst", CODECS["zst"](data[:half]) + skip + CODECS["zst"](data[half:]) + skip
    yield "raw-blocks.tar.zst", stored_zst(data)
    yield "sized-frames.tar.zst", b"".join(sized_zst(data[i:i + 40000], checksum=i % 80000 == 0)
                                           for i in range(0, len(data), 40000))
    yield "empty-frames.tar.zst", sized_zst(b"") + CODECS["zst"](data) + sized_zst(b"")
    yield "fast.tar.gz", gzip.compress(data, 1)
    plain = gzip.compress(data, mtime=0)
    yield ("fields.tar.gz", plain[:3] + b"\x1c" + plain[4:10] + b"\x04\0extr" + b"name\0" + b"comment\0" + plain[10:])
    yield "members.tar.gz", b"".join(gzip.compress(data[i:i + 5000]) for i in range(0, len(data), 5000))
    yield "small.tar.bz2", bz2.compress(data, 1)
    yield "streams.tar.bz2", b"".join(bz2.compress(data[i:i + 50000]) for i in range(0, len(data), 50000))
    for n, how in enumerate((["-1"], ["-9", "-BD"], ["-B4", "--no-frame-crc"], ["-B5", "-BX"], ["--content-size"])):
        yield f"{n}{''.join(how)}.tar.lz4", run("lz4", "-q", "-c", *how)


def by_programs(tree, folder):
    """(name, path) of what GNU tar, bsdtar and Python make of a folder, which has a folder short/ of
    what the oldest format can hold."""
    short = ""
    for n, (program, how) in enumerate((
            ("tar", ["--format=v7", "short"]), ("tar", ["--format=ustar", "short"]), ("tar", ["--format=oldgnu", "."]),
            ("tar", ["--format=gnu", "."]), ("tar", ["--format=pax", "."]), ("tar", ["-S", "--format=gnu", "."]),
            ("tar", ["-S", "--format=oldgnu", "."]), ("tar", ["-S", "--sparse-version=0.0", "--format=pax", "."]),
            ("tar", ["-S", "--sparse-version=0.1", "--format=pax", "."]),
            ("tar", ["-S", "--sparse-version=1.0", "--format=pax", "."]),
            ("tar", ["--xattrs", "--xattrs-include=user.*", "--format=pax", "."]),
            ("tar", ["--hard-dereference", "."]), ("tar", ["--label=odd", "."]), ("tar", ["-b1", "."]),
            ("tar", ["-b2000", "."]), ("tar", ["--transform=s,^,top/,S", "short"]), ("tar", ["--sort=name", "short"]),
            ("tar", ["--format=pax", "--pax-option=exthdr.name=%d/x/%f,delete=atime", "."]),
            ("tar", ["--owner=somebody:77", "--group=some:88", "short"]), ("tar", ["--numeric-owner", "short"]),
            ("bsdtar", ["--format=pax", "."]), ("bsdtar", ["--format=gnutar", "--no-xattrs", "."]),
            ("bsdtar", ["--format=ustar", "short"]), ("bsdtar", ["--format=v7tar", "short"]),
            ("bsdtar", ["--format=paxr", "--no-xattrs", "."]), ("bsdtar", ["--read-sparse", "--format=pax", "."]))):
        name = f"{n}-{program}{'-'.join(how[:-1])}".replace("/", "").replace(" ", "").replace("*", "")[:60] + ".tar"
        path = os.path.join(folder, name)
        subprocess.run([program, "-cf", path, "-C", tree, *how], stderr=subprocess.DEVNULL, check=True)
        yield name, path
        short = name if "ustar" in name else short
    path = os.path.join(folder, "appended.tar")
    subprocess.run(["tar", "-cf", path, "-C", tree, "short"], check=True)
    subprocess.run(["tar", "-rf", path, "-C", tree, "--mtime=@5", "short/a"], check=True)
    subprocess.run(["tar", "-Af", path, os.path.join(folder, short)], check=True)
    yield "appended.tar", path
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        path = os.path.join(folder, f"python-{form}.tar")
        with tarfile.open(path, "w", format=form) as t:
            t.add(tree, "python")
        yield os.path.basename(path), path


def skippable(payload):
    """A frame that decoders of zst and lz4 skip."""
    return (0x184D2A50).to_bytes(4, "little") + len(payload).to_bytes(4, "little") + payload


def files():
    """(name, bytes) of whole archives."""
    for i, (name, data) in enumerate([*tars(), *more_tars()]):
        codec = list(CODECS)[i % len(CODECS)]
        yield f"{name}.tar.{codec}", CODECS[codec](data + END)
    small = entry("f", b"x" * 5000) + directory("d")
    yield "frame.tar.lz4", lz4(small + END)
    yield "two-frames.tar.lz4", lz4(small[:512]) + lz4(small[512:] + END)
    yield "skippable.tar.lz4", skippable(b"") + lz4(small + END)
    # As pzstd writes it: the size of each frame comes before it.
    yield "skippable.tar.zst", b"".join(skippable(len(f).to_bytes(4, "little")) + f
                                        for f in (CODECS["zst"](small[:700]), CODECS["zst"](small[700:] + END)))
    yield "one-end-block.tar", small + bytes(512)
    yield "record-padding.tar.gz", CODECS["gz"](small + END + bytes(1 << 20))
    yield from variants(b"".join(dict(tars())[n] for n in ("plain", "gnu-long", "pax-times", "hardlinks", "symlinks"))
                        + entry("r", random.Random(3).randbytes(150000)) + entry("e", b"\x55\xe8\1\2\3\0" * 9000) + END)
    for codec, pack in CODECS.items():
        half = len(small) // 2
        yield f"concatenated.tar.{codec}", pack(small[:half]) + pack(small[half:] + END)
    big = entry("b", bytes(range(256)) * 20000) + directory("d") + entry("d/c", b"c" * 300000) + END
    for name, data in (("blocks", xz_blocks(big, "256KiB")),
                       ("blocks-unsized", xz_blocks(big, "256KiB", 1)),
                       ("blocks-tiny", xz_blocks(big, "4KiB")),
                       ("blocks-one", xz_blocks(big, "64MiB")),
                       ("blocks-streams", xz_blocks(big[:9999], "1KiB") + bytes(4)
                        + xz_blocks(b"") + xz_blocks(big[9999:], "512KiB", 1) + bytes(400)),
                       ("streams-many", b"".join(CODECS["xz"](big[i:i + 50000])
                                                 for i in range(0, len(big), 50000)))):
        yield name + ".tar.xz", data
    yield "frames-many.tar.zst", b"".join(CODECS["zst"](big[i:i + 50000])
                                          for i in range(0, len(big), 50000))
