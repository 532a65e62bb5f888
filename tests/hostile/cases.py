# SPDX-License-Identifier: Apache-2.0
"""The hostile archives: (name, bytes, what the message must say, options)."""
import io
import random
import struct
import tarfile
import zipfile

from archives import (CODECS, END, Ours, base256, bz2_bomb, directory, entry, gnu_sparse, hardlink,
                      lz4, patched, raw_pax, record, stored_zst, symlink, xz_blocks,
                      xz_with_dictionary, XzBlocks)


def tar_cases(outside):
    """Plain tars, each compressed by the caller. outside: a directory that must not be touched."""
    victim = outside + "/victim"
    ok = entry("ok", b"fine\n")
    char = {"devmajor": 1, "devminor": 3}
    deep = "/".join(["d" * 200] * 25)
    yield "absolute", ok + entry(victim, b"x"), "'.*victim' is absolute"
    yield "absolute-pax", ok + entry("p", b"x", pax={"path": victim}), "is absolute"
    yield "absolute-slashes", ok + entry("//" + victim, b"x"), "is absolute"
    yield "dotdot", ok + entry("../victim", b"x"), r"contains '\.\.'"
    yield "dotdot-inside", directory("a") + entry("a/../../victim", b"x"), r"contains '\.\.'"
    yield "dotdot-directory", ok + directory("a/.."), r"contains '\.\.'"
    yield "dotdot-harmless", directory("a") + entry("a/../b", b"x"), r"contains '\.\.'"
    yield ("through-symlink", symlink("link", outside) + entry("link/victim", b"x"),
           "through 'link', which is a symbolic link")
    yield ("through-symlink-up", symlink("link", "..") + entry("link/x", b"x"),
           "through 'link', which is a symbolic link")
    yield ("through-chain", symlink("a", "b") + symlink("b", outside) + entry("a/victim", b"x"),
           "through 'a', which is a symbolic link")
    yield ("through-inner-chain", directory("d") + symlink("d/e", outside)
           + directory("d/e/f") + entry("d/e/f/x", b"x"),
           "through 'd/e', which is a symbolic link")
    yield ("through-swapped-directory", directory("d") + symlink("d", outside)
           + entry("d/victim", b"x"), "through 'd', which is a symbolic link")
    yield ("through-symlink-directory-entry", symlink("link", outside)
           + directory("link/sub", mode=0o777), "through 'link', which is a symbolic link")
    yield ("symlink-through-symlink", symlink("link", outside) + symlink("link/x", "y"),
           "through 'link', which is a symbolic link")
    yield "through-file", ok + entry("ok/x", b"x"), "through 'ok', which is no directory"
    yield "hardlink-absolute", hardlink("h", victim), "hard link to a name that is absolute"
    yield "hardlink-dotdot", hardlink("h", "../victim"), r"hard link to a name that contains '\.\.'"
    yield ("hardlink-symlink", symlink("s", victim) + hardlink("h", "s") + entry("h", b"x"),
           "hard link to 's', which is no file")
    yield ("hardlink-through-symlink", symlink("s", outside) + hardlink("h", "s/victim"),
           "hard link to 's/victim', which the archive has not brought")
    yield "hardlink-early", hardlink("h", "later") + entry("later", b"x"), "has not brought"
    yield "hardlink-itself", ok + hardlink("ok", "./ok"), "hard link to itself"
    yield "hardlink-directory", directory("d") + hardlink("h", "d"), "which is no file"
    yield "hardlink-nothing", hardlink("h", "."), "hard link to itself or to the top"
    yield "char-device", ok + entry("null", kind=tarfile.CHRTYPE, **char), "is a character device"
    yield "block-device", ok + entry("sda", kind=tarfile.BLKTYPE, **char), "is a block device"
    yield "fifo", ok + entry("pipe", kind=tarfile.FIFOTYPE), "is a FIFO"
    yield "long-component", ok + entry("n" * 256, b"x"), "component longer than 255 bytes"
    yield "long-path", ok + entry(deep, b"x"), "is longer than 4095 bytes"
    yield "top-as-file", ok + entry("./.", b"x"), "would replace the top directory"
    yield "top-as-symlink", symlink("./", outside), "would replace the top directory"
    yield "file-over-tree", directory("d") + entry("d/x", b"x") + entry("d", b"x"), "is not empty"
    yield ("symlink-over-tree", directory("d") + entry("d/x", b"x") + symlink("d", outside)
           + entry("d/victim", b"x"), "is not empty")
    yield "symlink-to-nothing", ok + symlink("s", ""), "symbolic link to no name|link to no name"
    yield ("owner-minus-one", ok + entry("x", b"x", pax={"uid": "4294967295"}),
           "owner that is no user")
    yield "owner-huge", ok + entry("x", b"x", pax={"gid": str(2**62)}), "owner that is no user"
    yield "owner-negative", ok + patched(entry("x"), uid=b"\xff" * 8), "owner that is no user"
    yield "size-negative", ok + patched(entry("x"), size=b"\xff" * 12), "no tar or a damaged one"
    yield ("size-huge", ok + patched(entry("x"), size=base256(2**62, 12)),
           "larger than the allowed|cut short|damaged")
    yield ("size-override", ok + entry("x", b"x", pax={"size": "1000000"}), "cut short|damaged")
    yield ("size-override-huge", ok + entry("x", b"x", pax={"size": str(2**62)}),
           "larger than the allowed")
    yield ("sparse-absurd", ok + gnu_sparse("x", b"x" * 512, [(0, 512)], 2**60),
           "larger than the allowed")
    yield ("sparse-past-end", ok + gnu_sparse("x", b"x" * 1024, [(0, 512), (10**6, 512)], 2048),
           "pieces that overlap or pass its end|damaged")
    yield ("sparse-overlap", ok + gnu_sparse("x", b"x" * 1024, [(512, 512), (0, 512)], 4096),
           "pieces that overlap or pass its end|damaged")
    yield ("xattr-flood", ok + entry("x", b"x", pax={f"SCHILY.xattr.user.{i}": "v"
                                                    for i in range(65)}), "more than 64 extended")
    yield "control-characters", ok + entry("/\x1b[31m\nred", b"x"), r"'/\\033\[31m\\012red' is absolute"
    yield ("bad-checksum", ok + bytes([entry("x")[0] ^ 1]) + entry("x", b"x")[1:],
           "no tar or a damaged one")
    yield "bad-pax", ok + raw_pax(b"999999 path=x\n") + entry("x", b"x"), "no tar or a damaged one"
    yield ("pax-flood", raw_pax(record(b"comment", b"c" * (2 << 20))) + entry("x", b"x"),
           "no tar or a damaged one")


def whole(data):
    return data + END


def cpio():
    name = b"x\0"
    fields = [1, 0o100644, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name), 0]
    return b"070701" + b"".join(b"%08X" % f for f in fields) + name + bytes(512)


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("x", "x")
    return out.getvalue()


def file_cases(small):
    """Whole files. small: the bytes of a harmless tar."""
    no_tar = "no tar or a damaged one"
    iso = bytearray(40000)
    iso[32769:32774] = b"CD001"
    yield "empty.tar.zst", b"", "it is empty", []
    yield "garbage.tar.zst", random.Random(1).randbytes(100000), no_tar, []
    yield "text.tar.xz", b"<html>404 not found</html>\n" * 50, no_tar, []
    yield "cpio.tar.zst", CODECS["zst"](cpio()), no_tar, []
    yield "zip.tar.zst", zipped(), no_tar, []
    yield "zip-in-xz.tar.xz", CODECS["xz"](zipped()), no_tar, []
    yield "iso.tar.zst", CODECS["zst"](bytes(iso)), "it holds nothing|" + no_tar, []
    yield "twice.tar.xz", CODECS["xz"](CODECS["zst"](small)), no_tar, []
    yield "nothing-in-it.tar.zst", CODECS["zst"](END), "it holds nothing", []
    yield "no-end-mark.tar.zst", CODECS["zst"](small[:-1024]), "no end mark", []
    yield "half-header.tar.zst", CODECS["zst"](small[:-1024] + b"x" * 100), no_tar, []
    yield "xz-dictionary.tar.xz", xz_with_dictionary(small, 40), "more than the allowed 1.0 GiB", []
    yield "zst-window.tar.zst", stored_zst(small, 0xa8), "more than the allowed 1.0 GiB", []
    yield "trailing.tar.zst", CODECS["zst"](small) + b"trailing garbage", "are damaged", []
    yield "trailing.tar.gz", CODECS["gz"](small) + b"trailing garbage", "are damaged", []
    yield "trailing.tar.xz", CODECS["xz"](small) + b"trailing garbage", "are damaged", []
    yield "trailing.tar.lz4", lz4(small) + b"trailing garbage", "are damaged", []
    yield "trailing.tar.bz2", CODECS["bz2"](small) + b"trailing garbage", "are damaged", []
    yield ("bomb.tar.bz2", bz2_bomb(5 << 30), "larger than the allowed 1.0 GiB",
           ["--max-bytes=1G"])
    yield ("tail-bomb.tar.bz2", CODECS["bz2"](small) + CODECS["bz2"](bytes(32 << 20)) * 100,
           "unpacks to more than is allowed", [])
    many = b"".join(entry("e%d" % i) for i in range(2000))
    yield ("many.tar.gz", CODECS["gz"](whole(many)), "more than the allowed 1000 entries",
           ["--max-entries=1000"])


def blocks_cases(small):
    """.xz of several blocks, which are decoded at the same time."""
    def edited(fn):
        x = XzBlocks(xz_blocks(small))
        assert len(x.blocks) >= 4 and x.build() == xz_blocks(small)
        fn(x)
        return x.build()

    def resized(x, *changes):
        for i, which, by in changes:
            x.index[i][which] += by

    def swapped(x):
        x.blocks[0], x.blocks[1] = x.blocks[1], x.blocks[0]
    damaged = "xz data are damaged"
    cut = damaged + "|cut short"
    yield "block-sizes", edited(lambda x: resized(x, (1, 1, 1), (2, 1, -1))), damaged, []
    yield "block-huge", edited(lambda x: resized(x, (1, 1, 1 << 50))), damaged, []
    yield "block-packed", edited(lambda x: resized(x, (1, 0, 4), (2, 0, -4))), damaged, []
    yield "block-unpadded", edited(lambda x: resized(x, (1, 0, 1 if x.index[1][0] % 4 else -1))), \
        damaged, []
    yield "block-far", edited(lambda x: resized(x, (1, 0, 1 << 40))), damaged, []
    yield "blocks-swapped", edited(swapped), damaged, []
    yield "block-gone", edited(lambda x: x.blocks.pop()), cut, []
    yield "block-not-in-index", edited(lambda x: x.index.pop()), cut, []
    yield ("block-dictionary", edited(lambda x: x.with_dictionary(2, 40)),
           "more than the allowed 1.0 GiB", [])
    yield "blocks-trailing", xz_blocks(small) + b"trailing garbage", damaged, []
    yield "blocks-padding", xz_blocks(small[:2048]) + bytes(3) + xz_blocks(small[2048:]), damaged, []
    yield "blocks-half", xz_blocks(small[:2048]) + xz_blocks(small[2048:])[:-12], cut, []
    yield ("blocks-bomb", xz_blocks(bomb_start(64 << 20) + bytes(64 << 20), "1MiB"),
           "larger than the allowed 1.0 MiB", ["--max-bytes=1M"])
    yield ("blocks-tail-bomb", xz_blocks(small + bytes(200 << 20), "8MiB"),
           "unpacks to more than is allowed", [])


def bomb_start(size):
    return entry("ok", b"x" * 1000) + entry("zeros", size=size)


def damage_cases(small, ours):
    """Cut short and flipped, by every codec; the message may be any."""
    files = {"tar." + name: pack(small) for name, pack in {**CODECS, "lz4": lz4}.items()}
    files["ours.tar.zst"] = ours
    files["blocks.tar.xz"] = xz_blocks(small)
    files["blocks-unsized.tar.xz"] = xz_blocks(small, threads=1)
    files["streams.tar.xz"] = xz_blocks(small[:1536]) + bytes(8) + xz_blocks(small[1536:])
    pick = random.Random(2)
    for name, data in files.items():
        for at in sorted({1, 5, len(data) // 3, len(data) // 2, len(data) - 9, len(data) - 1}):
            yield f"cut-{at}.{name}", data[:at], "verify|unpack", []
        # The first byte is left out: another magic is another format, tried above.
        for _ in range(12):
            b = bytearray(data)
            at = pick.randrange(1, len(b))
            b[at] ^= 1 << pick.randrange(8)
            yield f"flip-{at}.{name}", bytes(b), None, []


def index_cases(data):
    """Our own archive with a trailer that lies; the digest is made right again."""
    def edited(fn, **how):
        o = Ours(data)
        fn(o)
        return o.build(**how)

    def put(at, form, value):
        def fn(o):
            struct.pack_into(form, o.index, at if at >= 0 else len(o.index) + at, value)
        return fn

    def manifest(key, value):
        return lambda o: o.manifest.__setitem__(key, value)

    o = Ours(data)
    n_frames, n_dirs, n_spans = o.counts()
    dirs = 16 + 32 * n_frames
    first_len, = struct.unpack_from("<H", o.index, dirs + 4)
    spans = len(o.index) - 24 - 8 * n_spans
    assert n_frames > 2 and n_dirs > 1 and n_spans > 0
    index = "index of '.*' is damaged"
    yield "digest-wrong", edited(manifest("digest", "0" * 64), digest=False), "digest is wrong"
    yield "digest-none", edited(manifest("digest", ""), digest=False), "digest is wrong"
    yield "manifest-changed", edited(manifest("version", "9"), digest=False), "digest is wrong"
    yield "manifest-no-json", edited(lambda o: None).replace(b'{"format', b'["format'), "manifest"
    yield "manifest-entries", edited(manifest("entries", o.manifest["entries"] + 1)), "manifest says"
    yield "manifest-few", edited(manifest("entries", 2)), "holds more than its manifest says"
    yield "manifest-bytes", edited(manifest("bytes", o.manifest["bytes"] + 1)), "manifest says"
    yield "manifest-largest", edited(manifest("largest", 1)), "manifest says"
    yield "manifest-huge", edited(manifest("bytes", 1 << 62)), "more than the allowed"
    yield "index-offset", edited(put(16 + 32, "<Q", 12345)), index
    yield "index-outside", edited(put(-24, "<Q", 1 << 40)), "points outside the file|damaged"
    yield "index-length", edited(put(-16, "<Q", 1 << 40)), "points outside the file"
    yield "index-version", edited(put(0, "<I", 2)), "another version"
    yield "index-frames", edited(put(4, "<I", 0xffffffff)), "counts more than it holds"
    yield "index-no-frames", edited(put(4, "<I", 0)), "counts more than it holds"
    yield "index-dirs", edited(put(8, "<I", 0xffffffff)), "counts more than it holds"
    yield "index-spans", edited(put(12, "<I", n_spans + 1)), index
    yield "index-plain", edited(put(16 + 16, "<Q", 1)), "does not match the index: its size"
    yield "index-plain-huge", edited(put(16 + 16, "<Q", (1 << 64) - 1)), "impossible size"
    yield "index-sum", edited(put(16 + 24, "<Q", 1)), "does not match the index: its checksum"
    yield "index-dir-frame", edited(put(dirs, "<I", 1)), "does not describe its tar|damaged"
    yield "index-dir-far", edited(put(dirs, "<I", n_frames)), "lies in no frame"
    yield "index-dir-long", edited(put(dirs + 4, "<H", 0xffff)), "no proper name"
    yield ("index-dir-name", edited(put(dirs + 6 + first_len - 1, "<B", 0x7a)),
           "lies in none")
    yield ("index-dir-slash", edited(put(dirs + 6, "<B", 0x2f)), "unsafe name")
    yield "index-dir-nul", edited(put(dirs + 6, "<B", 0)), "no proper name"
    yield "index-span-other", edited(put(spans + 4, "<I", 2)), "a file spans other frames|impossible"
    yield "index-span-far", edited(put(spans, "<I", n_frames)), "impossible frames"

    def shift(o):
        length, = struct.unpack_from("<Q", o.index, 16 + 8)
        struct.pack_into("<Q", o.index, 16 + 8, length - 1)
        struct.pack_into("<Q", o.index, 16 + 32, length - 1)
        second, = struct.unpack_from("<Q", o.index, 16 + 32 + 8)
        struct.pack_into("<Q", o.index, 16 + 32 + 8, second + 1)
    yield "index-shifted", edited(shift), "does not match the index: its packed size"

    def swap(o):
        a, b, c = (bytes(o.index[16 + 32 * i:48 + 32 * i]) for i in (0, 1, 2))
        sizes = [struct.unpack("<QQ", x[:16])[1] for x in (a, b)]
        parts = [o.frames[:sizes[0]], o.frames[sizes[0]:sum(sizes)], o.frames[sum(sizes):]]
        o.frames = parts[1] + parts[0] + parts[2]
    yield "frames-swapped", edited(swap), "does not match the index"
    yield "trailer-half", data[:o.manifest_at + 8] + data[o.manifest_at + 8:][:100], "damaged|cut"
    yield "trailer-end-gone", data[:-8] + b"NOINDEX0", "index is cut off or damaged"
    size = len(o.index) + 8
    yield "index-gone", data[:-size], "index is cut off or damaged"
    yield "frame-inserted", (data[:o.manifest_at] + CODECS["zst"](b"more")
                             + data[o.manifest_at:]), "damaged"
