# SPDX-License-Identifier: Apache-2.0
"""What the hostile suite needs: TAP, the program, trees as they look, a sandbox, and two verdicts."""
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import time

AGENT = os.environ["AGENT"]
TIMEOUT = 120
count = 0


def tap(good, text, *why):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {text}")
    if not good:
        for line in "\n".join(str(w) for w in why).splitlines():
            print(f"# {line}")
    sys.stdout.flush()


def agent(*args, prefix=()):
    return subprocess.run([*prefix, AGENT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, text=True, errors="replace")


def describe(path):
    """All that can be seen of one name, but the time of reading it."""
    st = os.lstat(path)
    kind, times = stat.S_IFMT(st.st_mode), st.st_mtime_ns
    more = ""
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as f:
            more = hashlib.sha256(f.read()).hexdigest()
    elif stat.S_ISLNK(st.st_mode):
        more = os.readlink(path)
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        more += str({n: os.getxattr(path, n) for n in sorted(os.listxattr(path))
                     if n.startswith(("user.", "system.posix_acl_"))})
    size = 0 if stat.S_ISDIR(st.st_mode) else st.st_size
    links = 0 if stat.S_ISDIR(st.st_mode) else st.st_nlink
    return (oct(st.st_mode), st.st_uid, st.st_gid, size, times, links, st.st_rdev, more)


def snapshot(top):
    """Every name beneath top with its description, and the first name of the same file; top itself
    is '.'."""
    top = os.fsencode(top)
    found = {}
    for folder, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = path
    first = {}
    for name, path in sorted(found.items()):
        found[name] = describe(path) + (first.setdefault(os.lstat(path).st_ino, name),)
    return {".": describe(top), **found}


def differences(a, b):
    return [f"{k!r}: {a.get(k)} / {b.get(k)}" for k in sorted(set(map(str, a)) | set(map(str, b)))
            for k in [next(x for x in list(a) + list(b) if str(x) == k)] if a.get(k) != b.get(k)][:10]


class Sandbox:
    """outside/ must stay as it is, new/ is where targets are made, archives/ holds the input."""

    def __init__(self, top):
        self.top = top
        self.outside = os.path.join(top, "outside")
        self.new = os.path.join(top, "new")
        self.archives = os.path.join(top, "archives")
        for d in (self.outside, self.new, self.archives):
            os.mkdir(d)
        with open(os.path.join(self.outside, "victim"), "w") as f:
            f.write("untouched\n")
        os.mkdir(os.path.join(self.outside, "sub"))
        self.before = snapshot(self.outside)

    def put(self, name, data):
        path = os.path.join(self.archives, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def clean(self):
        """What is wrong with the surroundings, '' if nothing."""
        left = os.listdir(self.new)
        changed = differences(self.before, snapshot(self.outside))
        for name in left:
            subprocess.run(["rm", "-rf", os.path.join(self.new, name)], check=True)
        return " ".join([f"left behind: {left}"] * bool(left) + [f"outside: {changed}"] * bool(changed))


# How refused() tries each archive: where to, and with how many threads.
MODES = (("new", 2), ("empty", 1), ("verify", 5))
ALL_MODES = (("new", 1), ("new", 2), ("new", 5), ("empty", 2), ("verify", 1), ("verify", 2), ("verify", 5))
if os.environ.get("HOSTILE_MODES") == "few":
    ALL_MODES = (("new", 5), ("empty", 2), ("verify", 1))


def refused(box, name, path, regex, options, modes=MODES):
    """unpack into a new and into an empty directory, and verify: the same refusal."""
    empty = os.path.join(box.new, "empty")
    wrong = []
    for mode, threads in modes:
        if mode == "empty":
            os.mkdir(empty)
        target = {"new": [os.path.join(box.new, "target")], "empty": [empty], "verify": []}[mode]
        how = f"{mode}, {threads} threads"
        r = agent("verify" if mode == "verify" else "unpack", f"--threads={threads}", *options, path, *target)
        lines = r.stderr.splitlines()
        if r.returncode != 7:
            wrong.append(f"{how}: exit {r.returncode}: {r.stderr}")
        if len(lines) != 1 or not re.search(regex, lines[0]):
            wrong.append(f"{how}: not /{regex}/: {r.stderr}")
        if mode == "empty":
            try:
                os.rmdir(empty)
            except OSError as e:
                wrong.append(f"the empty directory: {e}")
        wrong += [f"{how}: {c}" for c in [box.clean()] if c]
    tap(not wrong, f"refused: {name}", *wrong)


def refused_or_equal(box, name, path, want):
    """A flipped bit is either found or without effect."""
    target = os.path.join(box.new, "target")
    r = agent("unpack", "-q", path, target)
    why = ""
    if r.returncode == 0:
        got = snapshot(target)
        why = differences({**want, ".": 0}, {**got, ".": 0})
        shutil.rmtree(target)
    elif r.returncode != 7:
        why = f"exit {r.returncode}: {r.stderr}"
    why = why or box.clean()
    tap(not why, f"refused or without effect: {name}", why)


def strip_suid(described):
    mode = int(described[0], 8)
    if stat.S_ISREG(mode):
        mode &= ~0o6000
    return (oct(mode),) + described[1:]


def seen(top, start):
    """As unpacked without --keep-suid; directories that no entry names have the time of now."""
    def one(d):
        d = strip_suid(d)
        return d[:4] + ("now",) + d[5:] if d[4] >= start else d
    return {k: one(d) for k, d in snapshot(top).items()}


def gnu_tar(path, target):
    """Directories get their times at the end; else one that is filled later has the time of now."""
    os.mkdir(target)
    told = path.endswith(".lz4") or "skippable" in path  # it does not recognise them by itself
    how = ["-I", "lz4" if path.endswith(".lz4") else "zstd"] if told else []
    return subprocess.run(["tar", *how, "--xattrs", "--xattrs-include=user.*", "--numeric-owner",
                           "--delay-directory-restore", "-xf", path,
                           "-C", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", check=False)


def remove(*paths):
    subprocess.run(["rm", "-rf", *paths], check=True)


def equals_tar(box, name, path, threads=(0,)):
    target, theirs = os.path.join(box.new, "ours"), os.path.join(box.new, "theirs")
    start = time.time_ns() - 50_000_000
    tar = gnu_tar(path, theirs)
    why = [f"tar {tar.returncode}: {tar.stderr}"] * bool(tar.returncode)
    want = seen(theirs, start)
    for n in threads:
        how = [f"--threads={n}"] * bool(n)
        r = agent("unpack", "-q", *how, path, target)
        v = agent("verify", "-q", *how, path)
        if r.returncode or v.returncode:
            why.append(f"{n} threads: {r.returncode} {r.stderr} / {v.returncode} {v.stderr}")
        else:
            why += differences(want, seen(target, start))
        remove(target)
    remove(theirs)
    why += [c for c in [box.clean()] if c]
    tap(not why, f"as GNU tar has it: {name}", *why)


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
