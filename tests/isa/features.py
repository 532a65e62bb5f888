#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""features.py LIST FOLDER: asks the GNU assembler which features each instruction needs.

Every opcode of every map, under every prefix, width and length, goes through objdump; what it knows,
and assembles to the same bytes, is assembled again with one feature at a time turned off (.arch
.noNAME): what then fails needs that feature or one that binutils derives from it. LIST says what we
think of the same bytes. Prints each difference; exits with 1 if there is one or too few were seen."""
import itertools
import re
import subprocess
import sys

PLACE = 16
FILL = b"\x99"

# Our name, and the one of binutils where it is another.
FEATURES = """sse3 ssse3 sse4.1 sse4.2 sse4a cx16 popcnt pclmul aes avx f16c rdrnd fma avx2 bmi bmi2
lzcnt movbe rdseed adx sha gfni vaes vpclmulqdq avxvnni:avx_vnni avx512f avx512bw avx512cd avx512dq
avx512vl avx512vnni:avx512_vnni avx512ifma avx512vbmi avx512vbmi2:avx512_vbmi2
avx512bitalg:avx512_bitalg avx512vpopcntdq:avx512_vpopcntdq avx512bf16:avx512_bf16
avx512fp16:avx512_fp16 avx512vp2intersect:avx512_vp2intersect avx512pf avx512er
avx5124fmaps:avx512_4fmaps avx5124vnniw:avx512_4vnniw xop fma4 tbm lwp amx-tile:amx_tile
amx-int8:amx_int8 amx-bf16:amx_bf16 amx-fp16:amx_fp16 avxifma:avx_ifma avxvnniint8:avx_vnni_int8
avxneconvert:avx_ne_convert cmpccxadd""".split()
NAMES = dict((f.split(":") * 2)[:2] for f in FEATURES)

# What goes with a feature that binutils turns off.
DERIVED = {name: {"avx512f"} for name in NAMES if name.startswith("avx512")}
for name in "avx512vbmi avx512vbmi2 avx512bitalg avx512bf16 avx512fp16".split():
    DERIVED[name].add("avx512bw")
DERIVED["avx512f"] = {"avx2"}
for name in "avxvnni avxifma avxvnniint8 avxneconvert vaes vpclmulqdq".split():
    DERIVED[name] = {"avx2"}
DERIVED.update({"avx2": {"avx"}, "xop": {"fma4"}, "fma4": {"avx"}, "sse4.2": {"sse4.1"},
    "sse4.1": {"ssse3"}, "ssse3": {"sse3"}, "sse4a": {"sse3"}, "sha": {"sse2"}})
DERIVED.update({name: {"amx-tile"} for name in ("amx-int8", "amx-bf16", "amx-fp16")})

# Where we differ on purpose (agent/isa.h), or binutils has no switch.
EXCEPT = re.compile(r"tzcnt|fisttp|mwait|[sl]ahf")

GROUPS = {(1, o) for o in (0x00, 0x01, 0x71, 0x72, 0x73, 0xAE, 0xBA, 0xC7)} | {
    (2, 0xF3), (2, 0xC6), (2, 0xC7), (2, 0x49), (9, 0x01), (9, 0x02), (9, 0x12), (10, 0x12)}


def modrms(m, opcode):
    regs = range(8) if (m, opcode) in GROUPS else (2,)
    return [kind | reg << 3 | rm for reg in regs for kind, rm in ((0x00, 0), (0xC0, 1))]


def legacy():
    prefixes = [b"", b"\x66", b"\xf3", b"\xf2"]
    escapes = {1: b"\x0f", 2: b"\x0f\x38", 3: b"\x0f\x3a"}
    for p, w, (m, e), o in itertools.product(prefixes, (b"", b"\x48"), escapes.items(), range(256)):
        if m != 1 or o not in (0x38, 0x3A):
            for r in modrms(m, o):
                yield p + w + e + bytes([o, r])
    for o, r in itertools.product(range(0xD8, 0xE0), range(256)):
        yield bytes([o, r])


def vex(first, maps):
    space = itertools.product(maps, range(4), (0, 1), (0, 1), (15, 13), range(256))
    for m, pp, w, l, v, o in space:
        for r in modrms(m, o):
            yield bytes([first, 0xE0 | m, w << 7 | v << 3 | l << 2 | pp, o, r])
            if first == 0xC4 and m == 1 and not w:
                yield bytes([0xC5, 0x80 | v << 3 | l << 2 | pp, o, r])


def evex():
    space = itertools.product((1, 2, 3, 5, 6), range(4), (0, 1), (0, 1, 2), (15, 13), (0, 1), range(256))
    for m, pp, w, l, v, k, o in space:
        for r in modrms(m, o):
            yield bytes([0x62, 0xF0 | m, w << 7 | v << 3 | 4 | pp, l << 5 | 8 | k, o, r])


def encoded(code, text):
    """The text such that the assembler chooses the same encoding."""
    kind = {0x62: "{evex} ", 0xC4: "{vex3} ", 0xC5: "{vex2} "}.get(code[0], "")
    return kind + re.sub(r"^\{(evex|vex\d?)\} +", "", text)


def disassembled(codes, path):
    """{text: code} and {code: length} of what objdump knows."""
    with open(path, "wb") as f:
        for code in codes:
            f.write(code.ljust(PLACE, FILL))
    command = ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-w", "--insn-width=16", path]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in out.splitlines():
        part = line.split("\t")
        if len(part) < 3 or int(part[0].strip(" :"), 16) % PLACE:
            continue
        n = int(part[0].strip(" :"), 16) // PLACE
        text = re.sub(r"\s+#.*", "", part[2]).strip()
        if "bad" not in text and not re.match(r"(rex\S*|data16|repn?z|lock|[cdefgs]s) ", text):
            found[n] = (encoded(codes[n], text), len(part[1].split()))
    return found


def refused(texts, off, path):
    """The texts that the assembler refuses while a feature is off."""
    with open(path, "w") as f:
        f.write(f".arch .no{off}\n" if off else "\n")
        f.writelines(f"{t}\n" for t in texts)
    run = subprocess.run(["as", "--64", path, "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
    return {texts[int(n) - 2] for n in re.findall(r":(\d+): Error", run.stderr)}


def assembled(texts, path):
    """The bytes of each text, filled up to a place."""
    with open(path + ".s", "w") as f:
        f.writelines(f"{t}\n.balign {PLACE}, 0x99\n" for t in texts)
    subprocess.run(["as", "--64", "-W", path + ".s", "-o", path + ".o"], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", path + ".o", path], check=True)
    with open(path, "rb") as f:
        data = f.read()
    return {t: data[n * PLACE : (n + 1) * PLACE] for n, t in enumerate(texts)}


def ours(program, path):
    out = subprocess.run([program, path], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in out.splitlines():
        at, length, known, *names = line.split()
        if int(at, 16) % PLACE == 0 and known == "known":
            found[int(at, 16) // PLACE] = (int(length), set(names[0].split(",") if names else ()))
    return found


def with_derived(names):
    todo, done = list(names), set()
    while todo:
        name = todo.pop()
        done.add(name)
        todo += DERIVED.get(name, set()) - done
    return done & set(NAMES)


def main():
    program, folder = sys.argv[1:]
    codes = [*legacy(), *vex(0xC4, (1, 2, 3)), *vex(0x8F, (8, 9, 10)), *evex()]
    theirs = disassembled(codes, folder + "/codes")
    mine = ours(program, folder + "/codes")
    texts = sorted({text for text, _ in theirs.values()})
    broken = refused(texts, "", folder + "/all.s")
    texts = [t for t in texts if t not in broken]
    made = assembled(texts, folder + "/made")
    needs = {t: set() for t in texts}
    for name, other in NAMES.items():
        for t in refused(texts, other, folder + "/one.s"):
            needs[t].add(name)
    seen = differ = 0
    for n, (text, length) in theirs.items():
        if text not in made or made[text] != codes[n].ljust(PLACE, FILL) or EXCEPT.search(text):
            continue
        seen += 1
        said = mine.get(n, (0, set()))
        if said[0] != length or with_derived(said[1]) != with_derived(needs[text]):
            differ += 1
            print(codes[n].hex(), text, f"length {said[0]} of {length}", "needs",
                ",".join(sorted(said[1])), "instead of", ",".join(sorted(needs[text])))
    print(f"{seen} instructions of {len(codes)} encodings, {differ} differ")
    sys.exit(1 if differ or seen < 10000 else 0)


main()
