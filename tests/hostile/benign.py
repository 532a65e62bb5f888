# SPDX-License-Identifier: Apache-2.0
"""Odd archives that are right: what we unpack must equal what GNU tar makes of them."""
import tarfile

from archives import (CODECS, END, base256, directory, entry, gnu_sparse, hardlink, lz4, patched, raw_pax,
                      record, symlink)

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


def files():
    """(name, bytes) of whole archives."""
    for i, (name, data) in enumerate(tars()):
        codec = list(CODECS)[i % len(CODECS)]
        yield f"{name}.tar.{codec}", CODECS[codec](data + END)
    small = entry("f", b"x" * 5000) + directory("d")
    yield "not-compressed.tar", small + END
    yield "frame.tar.lz4", lz4(small + END)
    yield "two-frames.tar.lz4", lz4(small[:512]) + lz4(small[512:] + END)
    yield "one-end-block.tar", small + bytes(512)
    yield "record-padding.tar.gz", CODECS["gz"](small + END + bytes(1 << 20))
    for codec, pack in CODECS.items():
        half = len(small) // 2
        yield f"concatenated.tar.{codec}", pack(small[:half]) + pack(small[half:] + END)
