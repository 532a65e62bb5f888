# SPDX-License-Identifier: Apache-2.0
"""Archives of our own format that lie: digest, frames and checksums are right, so the engine itself
must find out. (name, bytes, what the message must say)."""
import struct

from archives import END, Item, item, ours, record, sized_zst, sparse_item

DESCRIBE = "its index does not describe its tar"
ORDER = "is not in the order of our archives"
DAMAGED = "its tar is damaged"


def d(path):
    return item(path, kind=b"5")


def f(path, data=b"text\n"):
    return item(path, data)


def sym(path, to):
    return item(path, kind=b"2", link=to)


def hard(path, to):
    return item(path, kind=b"1", link=to)


def sound():
    """(name, bytes): right, though unlike what pack would cut."""
    big = f("a/big", bytes(range(256)) * 10)
    yield "frames", ours([[d("a"), f("a/f")], [f("a/g"), hard("a/h", "a/f"), sym("a/s", "f")], [END]])
    yield "span", ours([[d("a")], [big[:1024]], [big[1024:2048]], [big[2048:]], [f("a/f"), END]], spans=[(1, 3)],
                       entries=3, bytes=2565, largest=2560)
    yield "headers-alone", ours([[d("a")], [big[:512]], [big[512:]], [END]], spans=[(1, 2)], entries=2,
                                bytes=2560, largest=2560)
    yield "sparse", ours([[d("a"), sparse_item("a/s", [(4096, b"x" * 512), (9000, b"y")], 10000), END]])
    yield "long-end", ours([[d("a"), END, END, END]])
    yield "only-top", ours([[d("a"), END]])
    yield "two-tops", ours([[d("a"), f("a/f")], [d("b"), f("b/f"), END]])


def paths(outside):
    """What leads out of the tree, in one frame and over two."""
    victim = outside + "/victim"
    top = d("a")
    for frames in (1, 2):
        cut = lambda *items: [[top, *items, END]] if frames == 1 else \
            [[top, *items[:-1]], [items[-1], END]]
        n = f"-{frames}"
        yield "absolute" + n, ours(cut(f("a/a"), f(victim))), "is absolute|" + ORDER
        yield "dotdot" + n, ours(cut(f("a/a"), f("a/b/../../../outside/victim"))), r"contains '\.\.'"
        yield "through-symlink" + n, ours(cut(sym("a/l", outside), f("a/l/victim"))), "names not all directories"
        yield ("through-symlink-named" + n,
               ours(cut(sym("a/l", outside), f("a/l/victim")), dirs=[(0, "a"), (0, "a/l")]),
               DESCRIBE + "|comes twice|through 'a/l'|would replace a directory")
        yield ("symlink-is-directory" + n, ours(cut(sym("a/l", outside), d("a/l"), f("a/l/victim"))),
               "comes twice|through 'a/l'|would replace a directory")
        yield ("directory-is-symlink" + n, ours(cut(d("a/l"), sym("a/l", outside), f("a/l/victim"))),
               "comes twice|through 'a/l'|" + ORDER)
        yield "hardlink-absolute" + n, ours(cut(f("a/a"), hard("a/h", victim))), "hard link to a name that is absolute"
        yield "hardlink-dotdot" + n, ours(cut(f("a/a"), hard("a/h", "../victim"))), r"name that contains '\.\.'"
        yield ("hardlink-through-symlink" + n, ours(cut(sym("a/a", outside), hard("a/h", "a/a/victim"))),
               "which the archive has not brought")
        yield "hardlink-symlink" + n, ours(cut(sym("a/a", victim), hard("a/h", "a/a"))), "which is no file"
        yield "hardlink-directory" + n, ours(cut(d("a/a"), hard("a/h", "a/a"))), "which is no file"
        yield "hardlink-top" + n, ours(cut(f("a/a"), hard("a/h", "a"))), "which is no file"
        yield "hardlink-itself" + n, ours(cut(f("a/a"), hard("a/h", "a/h"))), "hard link to itself"
        yield "hardlink-missing" + n, ours(cut(f("a/a"), hard("a/h", "a/b"))), "has not brought"
        yield "hardlink-forward" + n, ours(cut(hard("a/h", "a/z"), f("a/z"))), "has not brought"
        yield "hardlink-below-file" + n, ours(cut(f("a/a"), hard("a/h", "a/a/b"))), "has not brought"
        yield "below-file" + n, ours(cut(f("a/b"), f("a/b/c"))), "names not all directories"
        yield ("below-file-named" + n, ours(cut(f("a/b"), f("a/b/c")), dirs=[(0, "a"), (0, "a/b")]),
               DESCRIBE + "|comes twice|through 'a/b'|would replace")
        yield "below-hardlink" + n, ours(cut(f("a/a"), hard("a/b", "a/a"), f("a/b/c"))), "names not all directories"
        yield "twice" + n, ours(cut(f("a/b"), f("a/b"))), "comes twice"
        yield "twice-hardlink" + n, ours(cut(f("a/b"), hard("a/c", "a/b"), hard("a/c", "a/b"))), "comes twice"
        yield "twice-directory" + n, ours(cut(d("a/b"), d("a/b"))), "wrong order"
        yield "twice-file-symlink" + n, ours(cut(f("a/b"), sym("a/b", "x"))), "comes twice"
        yield "falling" + n, ours(cut(f("a/c"), f("a/b"))), ORDER
        yield "falling-slash" + n, ours(cut(f("a/b-c"), f("a/b/c")), dirs=[(0, "a")]), "not all directories|" + ORDER
        yield "beside-the-top" + n, ours(cut(f("a/b"), f("b/c"))), "names not all directories"
    yield "top-as-file", ours([[f("."), END]], dirs=[]), "would replace the top directory"
    yield "name-of-slash", ours([[d("a"), item("a/x/", b"x"), END]]), "ends with a slash"


def entries():
    """Entries that pack does not write."""
    def one(i, **more):
        return ours([[d("a"), i], [f("b"), END]], **more)
    yield "char-device", one(item("a/x", type=b"3")), "a kind that pack does not write"
    yield "block-device", one(item("a/x", type=b"4")), "a kind that pack does not write"
    yield "fifo", one(item("a/x", type=b"6")), "a kind that pack does not write"
    yield "long-name-header", one(item("a/x", type=b"L")), "a kind that pack does not write"
    yield "global-header", one(item("a/x", type=b"g")), "a kind that pack does not write"
    yield "two-extended", one(item("a/x", type=b"x", records=record(b"uid", b"1"))), "pack does not write"
    yield "no-name", one(item("", records=record(b"path", b""))), "has no name"
    yield "component-256", one(f("a/" + "n" * 256)), "component longer than 255 bytes"
    yield "path-4096", one(f("a/" + "/".join(["p" * 200] * 21))), "is longer than 4095 bytes"
    yield "link-4096", one(sym("a/s", "t" * 4096)), "no name or a too long one"
    yield "link-empty", one(sym("a/s", "")), "no name or a too long one"
    yield ("xattr-flood", one(item("a/x", records=b"".join(record(b"SCHILY.xattr.user.%d" % i, b"") for i in range(65)))),
           "more than 64 extended")
    yield ("pax-flood", one(item("a/x", records=record(b"SCHILY.xattr.user.a", bytes(1 << 20)))), "impossible size")
    yield "security-xattr", one(item("a/x", records=record(b"SCHILY.xattr.security.capability", b"x"))), "pack does not write"
    yield "size-negative", one(item("a/x", size=b"\xff" * 12)), "a number that is none"
    yield "size-2^62", one(item("a/x", records=record(b"size", b"%d" % 2**62))), "spans other frames"
    yield "size-2^64", one(item("a/x", records=record(b"size", b"%d" % 2**64))), "pack does not write"
    yield "size-beyond-frame", one(item("a/x", says=1)), "spans other frames"
    yield "size-beyond-all", ours([[d("a"), item("a/x", says=99999), END]]), "spans other frames"
    yield "directory-with-size", one(item("a/x", kind=b"5", says=512)), "has content although it is no file"
    yield "hardlink-with-size", ours([[d("a"), f("a/f"), item("a/h", kind=b"1", link="a/f", says=5), END]]), \
        "has content although it is no file"
    yield "owner-2^32-1", one(item("a/x", records=record(b"uid", b"4294967295"))), "owner that is no user"
    yield "time", one(item("a/x", records=record(b"mtime", b"9999999999999999999999"))), "pack does not write"
    yield "header-sum", one(Item(b"X" + bytes(item("a/x"))[1:])), "wrong checksum"
    yield "garbage", ours([[d("a"), b"garbage" * 300], [END]]), DAMAGED
    sparse = lambda text, **more: one(sparse_item("a/s", [(0, b"x" * 100)], 1000, text=text, **more))
    yield "sparse-no-map", sparse(b"x"), "no map"
    yield "sparse-overlap", sparse(b"2\n0\n60\n50\n40\n"), "overlap or pass its end"
    yield "sparse-beyond", sparse(b"1\n950\n100\n"), "overlap or pass its end"
    yield "sparse-wrap", sparse(b"1\n18446744073709551615\n100\n"), "overlap or pass its end"
    yield "sparse-short", sparse(b"1\n0\n99\n"), "does not fit its size"
    yield "sparse-blocks", sparse(b"3\n0\n50\n60\n50\n1000\n0\n"), "not of whole blocks"
    yield "sparse-end", sparse(b"1\n0\n100\n"), "does not fit its size"
    yield "sparse-pieces", sparse(b"1026\n" + b"0\n0\n" * 1026), "too many pieces"
    yield "sparse-huge", one(sparse_item("a/s", [(0, b"x")], 2**60), bytes=5, largest=5), "more than its manifest says"
    yield "sparse-huge-said", one(sparse_item("a/s", [(0, b"x")], 2**60)), "more than the allowed"
    yield "end-missing", ours([[d("a"), f("a/f")]]), "no end mark"
    yield "end-half", ours([[d("a"), f("a/f"), END[:512]]]), "no end mark"
    yield "end-in-span", ours([[d("a")], [f("a/f")[:512]], [f("a/f")[512:]]], spans=[(1, 2)], entries=2, bytes=5,
                              largest=5), "no end mark"
    yield "end-in-two-frames", ours([[d("a"), f("a/f"), END[:512]], [END[:512]]]), "ends before its last frame"
    yield "end-early", ours([[d("a"), END], [f("a/f"), END]]), "ends before its last frame"
    yield "end-then-entry", ours([[d("a"), END, f("a/f"), END]]), "something follows the end mark"
    yield "end-then-byte", ours([[d("a"), END, b"\0" * 511 + b"x"]]), "something follows the end mark"
    yield "nothing", ours([[END]]), "holds nothing"


def tables():
    """Directories, spans, frames."""
    big = f("a/big", bytes(range(256)) * 10)
    parts = [big[:1024], big[1024:2048], big[2048:]]
    span = lambda *spans, **more: ours([[d("a")], *[[p] for p in parts], [f("a/f"), END]], spans=spans,
                                       **{"entries": 3, "bytes": 2565, "largest": 2560, **more})
    tree = [[d("a"), f("a/f")], [d("a/g"), f("a/g/x")], [f("a/h"), END]]
    yield "dirs-none", ours(tree, dirs=[]), DESCRIBE
    yield "dirs-one-less", ours(tree, dirs=[(0, "a")]), DESCRIBE
    yield "dirs-one-more", ours(tree, dirs=[(0, "a"), (1, "a/g"), (2, "a/i")]), DESCRIBE + "|" + ORDER
    yield "dirs-one-inside", ours(tree, dirs=[(0, "a"), (1, "a/g"), (1, "a/g/y")]), DESCRIBE
    yield "dirs-other-name", ours(tree, dirs=[(0, "a"), (1, "a/G")]), DESCRIBE
    yield "dirs-early", ours(tree, dirs=[(0, "a"), (0, "a/g")]), DESCRIBE
    yield "dirs-late", ours(tree, dirs=[(0, "a"), (2, "a/g")]), DESCRIBE
    yield "dirs-file", ours(tree, dirs=[(0, "a"), (0, "a/f"), (1, "a/g")]), DESCRIBE + "|comes twice"
    yield "dirs-twice", ours(tree, dirs=[(0, "a"), (0, "a"), (1, "a/g")]), "wrong order"
    yield "dirs-falling", ours(tree, dirs=[(0, "a"), (1, "a/h"), (1, "a/g")]), "wrong order"
    yield "dirs-orphan", ours(tree, dirs=[(0, "a"), (1, "b/g")]), "lies in none"
    yield "dirs-absolute", ours(tree, dirs=[(0, "/a")]), "unsafe name"
    yield "dirs-dotdot", ours(tree, dirs=[(0, "a"), (0, "a/..")]), "unsafe name"
    yield "dirs-dot", ours(tree, dirs=[(0, ".")]), "unsafe name"
    yield "dirs-empty", ours(tree, dirs=[(0, ""), (0, "a"), (1, "a/g")]), "unsafe name"
    yield "dirs-4096", ours(tree, dirs=[(0, "x/" * 2047 + "yz")]), "lies in none|no proper name"
    yield "frames-swapped", ours([tree[1], tree[0], tree[2]], dirs=[(0, "a"), (1, "a/g")]), DESCRIBE + "|" + ORDER
    yield "frames-swapped-dirs", ours([tree[1], tree[0], tree[2]]), "wrong order|lies in none"
    yield "frames-twice", ours([tree[0], tree[2][:1], tree[2]], dirs=[(0, "a")]), "comes twice"
    yield "frame-of-half-a-block", ours([[d("a"), f("a/f"), bytes(100)], [END]]), DAMAGED
    yield "frame-cut-in-header", ours([[d("a"), f("a/f")[:100]], [f("a/f")[100:], END]]), DAMAGED
    x = item("a/f", b"x", records=record(b"uid", b"7"))
    yield "frame-cut-in-records", ours([[d("a"), x[:700]], [x[700:], END]]), DAMAGED
    yield "span-none", span(), "spans other frames"
    yield "span-short", span((1, 2)), "spans other frames"
    yield "span-long", span((1, 4)), "spans other frames|no end mark"
    yield "span-early", span((0, 4)), "spans other frames"
    yield "span-late", span((2, 2)), "spans other frames|" + DAMAGED
    yield "span-two", span((1, 3), (1, 3)), "spans impossible frames"
    yield "span-one-frame", span((1, 1)), "spans impossible frames"
    yield "span-far", span((3, 9)), "spans impossible frames"
    yield "span-wrap", span((1, 0xffffffff)), "spans impossible frames"
    yield ("span-shared", ours([[d("a")], [parts[0]], [parts[1]], [parts[2], f("a/f"), END]], spans=[(1, 3)],
                               entries=3, bytes=2565, largest=2560), "spans other frames|no end mark")
    yield ("span-of-two-files", ours([[d("a")], [f("a/f")], [f("a/g")], [END]], spans=[(1, 2)]), "spans other frames")
    yield "span-of-directory", ours([[d("a")], [d("a/b")], [f("a/b/c")], [END]], spans=[(1, 2)]), "spans other frames"
    yield "span-of-symlink", ours([[d("a")], [sym("a/b", "c")], [f("a/c")], [END]], spans=[(1, 2)]), "spans other frames"
    x = item("a/f", b"x" * 900, records=record(b"SCHILY.xattr.user.a", b"v" * 2000))
    yield ("span-cut-in-headers", ours([[d("a")], [x[:1024]], [x[1024:]], [END]], spans=[(1, 2)], entries=2, bytes=900,
                                       largest=900), DAMAGED + "|spans other frames")
    x = sparse_item("a/s", [(i * 10, b"") for i in range(200)], 5000)
    yield ("span-cut-in-map", ours([[d("a")], [x[:-1536]], [x[-1536:]], [END]], spans=[(1, 2)], entries=2, bytes=5000,
                                   largest=5000), DAMAGED + "|spans other frames")
    yield ("span-of-nothing-absolute", ours([[d("a")], [f("/etc/x", b"y" * 600)[:512]], [f("/etc/x", b"y" * 600)[512:]],
                                            [END]], spans=[(1, 2)], entries=2, bytes=600, largest=600), "is absolute")


def frames():
    """What stands where a frame should be; sizes and hashes of the index are right."""
    plain = d("a") + f("a/f")
    last = [f("b"), END]
    made = lambda packed, **more: ours([(packed, plain), last], dirs=[(0, "a")],
                                       **{"entries": 3, "bytes": 10, "largest": 5, **more})
    good = sized_zst(plain, checksum=True)
    half = [sized_zst(plain[:512]), sized_zst(plain[512:])]
    skip = struct.pack("<II", 0x184D2A50, 4) + b"skip"
    yield "two-frames-as-one", made(b"".join(half)), "does not match the index: its packed size"
    yield "skippable-behind", made(good + skip), "does not match the index: its packed size"
    yield "skippable-before", made(skip + good), "no frame where one should be"
    yield "own-checksum", made(good[:-1] + bytes([good[-1] ^ 1])), "its own checksum is wrong"
    yield "no-size", made(b"\x28\xb5\x2f\xfd\x00\x58" + sized_zst(plain)[9:]), "does not match the index: its size"
    yield "other-size", made(good[:5] + struct.pack("<I", len(plain) - 1) + good[9:]), "does not match the index: its size"
    yield "dictionary", made(b"\x28\xb5\x2f\xfd\xa1\x07" + sized_zst(plain)[5:]), "is damaged"
    yield "reserved-bit", made(good[:4] + bytes([good[4] | 8]) + good[5:]), "does not match|is damaged"
    yield "block-type", made(good[:9] + bytes([good[9] | 6]) + good[10:]), "does not match|is damaged"
    yield "block-size", made(good[:10] + bytes([good[10] ^ 1]) + good[11:]), "does not match|is damaged"
    yield "not-zstd", made(b"\x1f\x8b" + bytes(50)), "no frame where one should be"

    def huge(o):
        struct.pack_into("<Q", o.index, 16 + 16, 8 << 30)
    yield "memory", ours([[d("a"), f("a/f")], last], edit=huge), "more than the allowed 1.0 GiB"
    yield "plain-nothing", ours([[d("a")], [], last]), "wrong place or size"


def manifests():
    tree = [[d("a"), f("a/f"), END]]
    for name, regex, change in (
            ("no-entries", "holds more than its manifest says", {"entries": 0}),
            ("one-less", "holds more than its manifest says", {"entries": 1}),
            ("one-more", "manifest says 3 entries", {"entries": 3}),
            ("bytes-less", "holds more than its manifest says", {"bytes": 5 - 1, "largest": 0}),
            ("largest-more", "'largest' is more than 'bytes'", {"largest": 6}),
            ("largest-less", "manifest says", {"largest": 4}),
            ("negative", "is not a whole number", {"entries": -1}),
            ("float", "is not a whole number", {"entries": 2.5}),
            ("text", "is not a whole number", {"entries": "2"}),
            ("format", "'format' is not 1", {"format": 2}),
            ("app-slash", "characters that are not allowed", {"app": "../app"}),
            ("app-none", "'app' is not a string", {"app": None}),
            ("app-long", "is too long", {"app": "a" * 200}),
            ("arch", "'arch' is not one of", {"arch": "vax"}),
            ("features", "is not a list", {"features": "avx2"}),
            ("entry", "characters that are not allowed", {"entry": "../../bin/sh"}),
            ("long", "longer than 1 MiB|too long", {"version": "v" * (1 << 20)})):
        yield "manifest-" + name, ours(tree, **change), regex


def cases(outside):
    for part in (paths(outside), entries(), tables(), frames(), manifests()):
        yield from part
