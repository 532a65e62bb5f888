# SPDX-License-Identifier: Apache-2.0
"""Makes archives byte by byte: tar entries with any header, codecs, and edits of our own trailer."""
import bz2
import functools
import gzip
import hashlib
import json
import lzma
import struct
import subprocess
import tarfile
import zlib

END = bytes(1024)


def entry(name, data=b"", kind=tarfile.REGTYPE, link="", form=tarfile.GNU_FORMAT, pax=None, **more):
    """One tar entry, headers and padded content."""
    t = tarfile.TarInfo(name)
    t.type = kind
    t.linkname = link
    t.size = more.pop("size", len(data))
    t.mode = more.pop("mode", 0o755 if kind == tarfile.DIRTYPE else 0o644)
    t.mtime = more.pop("mtime", 1600000000)
    t.uid = more.pop("uid", 0)
    t.gid = more.pop("gid", 0)
    if pax:
        t.pax_headers = pax
        form = tarfile.PAX_FORMAT
    for key, value in more.items():
        setattr(t, key, value)
    return t.tobuf(form, "utf-8", "surrogateescape") + data + bytes(-len(data) % 512)


def directory(name, **more):
    return entry(name, kind=tarfile.DIRTYPE, **more)


def symlink(name, target, **more):
    return entry(name, kind=tarfile.SYMTYPE, link=target, mode=0o777, **more)


def hardlink(name, target, **more):
    return entry(name, kind=tarfile.LNKTYPE, link=target, **more)


def raw_pax(records, name="x"):
    """An extended header with these bytes as its records."""
    return entry(name, records, kind=b"x", form=tarfile.USTAR_FORMAT)


def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length += 1
    return str(length).encode() + body


def signed_sum(block):
    """A header whose checksum takes its bytes as signed, as some old tars did."""
    b = bytearray(block)
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(c - 256 if c > 127 else c for c in b[:512])
    return bytes(b)


def stored_zst(data, window=0x58, chunk=128 * 1024):
    """A zstd frame of raw blocks; window is the descriptor byte (RFC 8878 3.1.1.1.2)."""
    out = [b"\x28\xb5\x2f\xfd\x00", bytes([window])]
    for at in range(0, len(data) or 1, chunk):
        part = data[at:at + chunk]
        last = at + chunk >= len(data)
        out.append(struct.pack("<I", len(part) << 3 | last)[:3] + part)
    return b"".join(out)


def xz_with_dictionary(data, code):
    """An .xz whose block header asks for dictionary size CODE (40: 4 GiB - 1)."""
    x = bytearray(lzma.compress(data, format=lzma.FORMAT_XZ, preset=0))
    size = (x[12] + 1) * 4
    at = x.index(b"\x21\x01", 12)
    x[at + 2] = code
    x[12 + size - 4:12 + size] = struct.pack("<I", zlib.crc32(bytes(x[12:12 + size - 4])))
    return bytes(x)


def xz_blocks(data, size="1KiB", threads=2):
    """An .xz of blocks; with more threads than one their headers hold their sizes."""
    return subprocess.run(["xz", "-q", "-c", "-0", f"-T{threads}", f"--block-size={size}"], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def vli(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


class XzBlocks:
    """One stream taken apart: its blocks, and its index as a list of [unpadded, plain] sizes."""

    def __init__(self, data):
        index_size = (struct.unpack("<I", data[-8:-4])[0] + 1) * 4
        self.header, self.flags = data[:12], data[6:8]
        index = data[-12 - index_size:-12]
        at, numbers = 1, []
        while len(numbers) == 0 or len(numbers) < 1 + 2 * numbers[0]:
            n = shift = 0
            while True:
                n |= (index[at] & 0x7f) << shift
                shift += 7
                at += 1
                if not index[at - 1] & 0x80:
                    break
            numbers.append(n)
        self.index = [list(p) for p in zip(numbers[1::2], numbers[2::2])]
        self.blocks, at = [], 12
        for unpadded, _ in self.index:
            size = (unpadded + 3) // 4 * 4
            self.blocks.append(bytearray(data[at:at + size]))
            at += size

    def with_dictionary(self, i, code):
        """Block i asks for dictionary size CODE (40: 4 GiB - 1)."""
        b = self.blocks[i]
        size = (b[0] + 1) * 4
        b[b.index(b"\x21\x01", 2, size) + 2] = code
        b[size - 4:size] = struct.pack("<I", zlib.crc32(bytes(b[:size - 4])))

    def build(self):
        body = b"\0" + vli(len(self.index)) + b"".join(vli(n) for pair in self.index for n in pair)
        body += bytes(-len(body) % 4)
        index = body + struct.pack("<I", zlib.crc32(body))
        foot = struct.pack("<I", len(index) // 4 - 1) + self.flags
        return (self.header + b"".join(self.blocks) + index
                + struct.pack("<I", zlib.crc32(foot)) + foot + b"YZ")


def zst(data):
    return subprocess.run(["zstd", "-q", "-c", "-3"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def lz4(data):
    return subprocess.run(["lz4", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


# Those that GNU tar recognises by itself.
CODECS = {"zst": zst, "xz": lzma.compress, "gz": lambda d: gzip.compress(d, mtime=0),
          "bz2": bz2.compress}


def bz2_bomb(size):
    """A file of SIZE zero bytes: one stream of 32 MiB, repeated."""
    unit = 32 * 1024 * 1024
    head = entry("zeros", size=size)
    return bz2.compress(head) + bz2.compress(bytes(unit)) * (size // unit) + bz2.compress(END)


def base256(value, width):
    return bytes([0x80]) + value.to_bytes(width - 1, "big")


def patched(block, **fields):
    """A 512-byte header with fields replaced and its checksum made right."""
    where = {"mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12), "mtime": (136, 12),
             "type": (156, 1)}
    b = bytearray(block)
    for name, value in fields.items():
        at, width = where[name]
        b[at:at + width] = value.ljust(width, b"\0")
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(b[:512])
    return bytes(b)


def gnu_sparse(name, data, pieces, real):
    """An old GNU sparse file: pieces are (offset, length), four of them in the header and 21 in each
    block behind it."""
    b = bytearray(entry(name, data, kind=b"S", form=tarfile.GNU_FORMAT)[:512])
    octal = lambda n: b"%011o\0" % n if n < 1 << 33 else base256(n, 12)
    table = [octal(offset) + octal(length) for offset, length in pieces]
    b[386:482] = b"".join(table[:4]).ljust(96, b"\0")
    b[482] = len(table) > 4
    b[483:495] = octal(real)
    more = b""
    for at in range(4, len(table), 21):
        more += b"".join(table[at:at + 21]).ljust(504, b"\0") + bytes([at + 21 < len(table)]) + bytes(7)
    return patched(b) + more + data + bytes(-len(data) % 512)


class Ours:
    """An archive written by `shared-prep pack`, taken apart."""

    def __init__(self, data):
        self.manifest_at, length = struct.unpack("<QQ", data[-24:-8])
        assert data[-8:] == b"SPINDEX1"
        self.frames = data[:self.manifest_at]
        size, = struct.unpack("<I", data[self.manifest_at + 4:self.manifest_at + 8])
        self.manifest = json.loads(data[self.manifest_at + 8:self.manifest_at + 8 + size])
        self.index = bytearray(data[-length:])

    def counts(self):
        return struct.unpack("<IIII", self.index[:16])[1:]

    def build(self, digest=True, trailer=True):
        m = dict(self.manifest)
        text = lambda o: json.dumps(o, separators=(",", ":")).encode()
        if digest:
            m.pop("digest")
            m2 = text(m)
            sha = hashlib.sha256(m2 + bytes(self.index)).hexdigest()
            m = {}
            for key, value in self.manifest.items():
                m[key] = sha if key == "digest" else value
        body = text(m)
        skip = lambda magic, b: struct.pack("<II", magic, len(b)) + b
        out = bytes(self.frames)
        if trailer:
            out += skip(0x184D2A5C, body) + skip(0x184D2A5D, bytes(self.index))
        return out


@functools.lru_cache(maxsize=8)
def xxh64(data):
    """XXH64 with seed 0."""
    p = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
    m = (1 << 64) - 1
    left = lambda x, r: (x << r | x >> 64 - r) & m
    turn = lambda acc, word: left(acc + word * p[1] & m, 31) * p[0] & m
    whole = len(data) // 32 * 32
    lanes = [p[0] + p[1] & m, p[1], 0, -p[0] & m]
    for i, word in enumerate(struct.unpack(f"<{whole // 8}Q", data[:whole])):
        lanes[i % 4] = turn(lanes[i % 4], word)
    h = p[4]
    if whole:
        h = sum(left(v, r) for v, r in zip(lanes, (1, 7, 12, 18))) & m
        for v in lanes:
            h = ((h ^ turn(0, v)) * p[0] + p[3]) & m
    h = h + len(data) & m
    rest = data[whole:]
    for at in range(0, len(rest) // 8 * 8, 8):
        h = (left(h ^ turn(0, int.from_bytes(rest[at:at + 8], "little")), 27) * p[0] + p[3]) & m
    rest = rest[len(rest) // 8 * 8:]
    if len(rest) >= 4:
        h = (left(h ^ int.from_bytes(rest[:4], "little") * p[0] & m, 23) * p[1] + p[2]) & m
        rest = rest[4:]
    for byte in rest:
        h = left(h ^ byte * p[4] & m, 11) * p[0] & m
    for shift, prime in ((33, p[1]), (29, p[2])):
        h = (h ^ h >> shift) * prime & m
    return h ^ h >> 32


def sized_zst(data, checksum=False):
    """A zstd frame of raw blocks that says its size, as those of our archives do."""
    out = [b"\x28\xb5\x2f\xfd", bytes([0xa4 if checksum else 0xa0]), struct.pack("<I", len(data))]
    for at in range(0, len(data) or 1, 128 * 1024):
        part = data[at:at + 128 * 1024]
        out.append(struct.pack("<I", len(part) << 3 | (at + 128 * 1024 >= len(data)))[:3] + part)
    if checksum:
        out.append(struct.pack("<Q", xxh64(data))[:4])
    return b"".join(out)


class Item(bytes):
    """An entry as pack writes it, and what the index and the manifest say of it."""
    size = 0
    path = ""
    is_dir = False


def item(path, data=b"", kind=b"0", link="", records=b"", says=None, **fields):
    """path of a directory without its slash; says: a size that is not that of data."""
    name = path + ("/" if kind == b"5" else "")
    b = bytearray(512)
    octal = lambda n, width: b"%0*o\0" % (width - 1, n)
    for key, value, most in (("path", name, 100), ("linkpath", link, 100)):
        if len(value) > most:
            records = record(key.encode(), value.encode()) + records
    b[0:100] = name.encode()[:100].ljust(100, b"\0")
    b[100:108] = octal(0o755, 8)
    b[108:116] = b[116:124] = octal(0, 8)
    b[124:136] = octal(len(data) if says is None else says, 12)
    b[136:148] = octal(1600000000, 12)
    b[156:157] = kind
    b[157:257] = link.encode()[:100].ljust(100, b"\0")
    b[257:265] = b"ustar\0" + b"00"
    b[329:345] = octal(0, 8) * 2
    head = patched(b, **fields)
    if records:
        x = item("PaxHeader", kind=b"x", says=len(records))
        head = bytes(x) + records + bytes(-len(records) % 512) + head
    made = Item(head + data + bytes(-len(data) % 512))
    made.path, made.is_dir = path, kind == b"5"
    made.size = len(data) if kind == b"0" else 0
    return made


def sparse_item(path, pieces, real, **more):
    """A sparse file (GNU 1.0) of pieces (offset, bytes)."""
    pieces = [*pieces, (real, b"")]
    text = b"%d\n" % len(pieces) + b"".join(b"%d\n%d\n" % (at, len(d)) for at, d in pieces)
    text = more.pop("text", text)
    data = text + bytes(-len(text) % 512) + b"".join(d for _, d in pieces)
    records = b"".join(record(b"GNU.sparse." + k, v) for k, v in (
        (b"major", b"1"), (b"minor", b"0"), (b"name", path.encode()), (b"realsize", b"%d" % real)))
    made = item("GNUSparseFile.0/x", data, records=records, **more)
    made.path, made.size = path, real
    return made


def ours(frames, dirs=None, spans=(), edit=None, **manifest):
    """An archive of ours. frames: lists of items and bytes, or the packed bytes of one and its plain
    ones in a tuple. The tables are right unless given; edit gets the trailer last (class Ours)."""
    items = [(k, i) for k, f in enumerate(frames) if isinstance(f, list) for i in f if isinstance(i, Item)]
    packed, table = b"", b""
    for f in frames:
        p, plain = f if isinstance(f, tuple) else (sized_zst(b"".join(f)), b"".join(f))
        table += struct.pack("<QQQQ", len(packed), len(p), len(plain), xxh64(plain))
        packed += p
    if dirs is None:
        dirs = [(k, i.path) for k, i in items if i.is_dir]
    o = Ours.__new__(Ours)
    o.frames, o.manifest_at = packed, len(packed)
    o.manifest = {"format": 1, "app": "app", "key": "c5", "arch": "other",
                  "entries": len(items), "bytes": sum(i.size for _, i in items),
                  "largest": max([i.size for _, i in items] + [0]), "digest": "", **manifest}
    body = struct.pack("<IIII", 1, len(frames), len(dirs), len(spans)) + table
    for k, path in dirs:
        body += struct.pack("<IH", k, len(path.encode())) + path.encode()
    body += b"".join(struct.pack("<II", *s) for s in spans)
    o.index = bytearray(body + struct.pack("<QQ", len(packed), len(body) + 24) + b"SPINDEX1")
    if edit:
        edit(o)
    return o.build()
