# SPDX-License-Identifier: Apache-2.0
"""Makes archives byte by byte: tar entries with any header, codecs, and edits of our own trailer."""
import bz2
import gzip
import hashlib
import io
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
    where = {"size": (124, 12), "uid": (108, 8), "mtime": (136, 12), "type": (156, 1)}
    b = bytearray(block)
    for name, value in fields.items():
        at, width = where[name]
        b[at:at + width] = value.ljust(width, b"\0")
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(b[:512])
    return bytes(b)


def gnu_sparse(name, data, pieces, real):
    """An old GNU sparse file: pieces are (offset, length)."""
    b = bytearray(entry(name, data, kind=b"S", form=tarfile.GNU_FORMAT)[:512])
    octal = lambda n: b"%011o\0" % n if n < 1 << 33 else base256(n, 12)
    at = 386
    for offset, length in pieces[:4]:
        b[at:at + 24] = octal(offset) + octal(length)
        at += 24
    b[483:495] = octal(real)
    return patched(b) + data + bytes(-len(data) % 512)


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
