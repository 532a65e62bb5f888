# SPDX-License-Identifier: Apache-2.0
"""A hundred workers at a time: what they cost the controller and the cloud's API, and one interrupt
that ends them all."""

import collections
import os
import pathlib
import signal
import threading

import witness
from controller import Project, await_held, changes
from lab import case, finish

WORKERS = 100
TARGETS = "x86-64-v2 x86-64-v3"
MEMORY = 64 << 10  # KiB
FILES = 1024       # descriptors, as most systems limit them
INTERVAL = 5       # s between two looks of a kind
START = 400        # s that all of them have to be at work; a quiet machine needs a tenth of that
# The first set is built, the second one never ends.
SCRIPT = """#!/bin/sh
set -eu
mkdir -p "$PREFIX/bin"
echo "$TARGET $FLAGSET" >"$PREFIX/bin/hello"
[ "$FLAGSET" = safe ] || exec tail -f /dev/null
"""
# What shows all of something, by pages, as opposed to what asks for a name.
LOOKS = ("DescribeInstances", "DescribeInstanceStatus", "DescribeSecurityGroups", "DescribeVolumes",
         "DescribeImages", "DescribeSnapshots", "DescribeSpotInstanceRequests")


def apps():
    """With the one that is there: a crew for each and each of the targets."""
    return "".join(f"[app a{n}]\nsource=hello\nscript=build\ntargets={TARGETS}\nflags=safe fast\nlevel=1\n"
                   for n in range(1, WORKERS // len(TARGETS.split())))


class Watch:
    """What the kernel knows of a process, and what it prints meanwhile."""

    def __init__(self, process):
        self.process = process
        self.proc = pathlib.Path(f"/proc/{process.pid}")
        self.lines = []
        self.building = 0
        self.threads = 0
        self.files = 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.all_build = threading.Event()
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            self.look()
            if ": build " in line and line.endswith("(fast)\n"):
                self.building += 1
            if self.building == WORKERS:
                self.all_build.set()
        self.all_build.set()

    def look(self):
        try:
            self.threads = max(self.threads, len(os.listdir(self.proc / "task")))
            self.files = max(self.files, len(os.listdir(self.proc / "fd")))
        except FileNotFoundError:
            pass

    def open_files(self):
        """Of a socket or pipe only what it is."""
        return [os.readlink(fd).partition(":[")[0] for fd in (self.proc / "fd").iterdir()]

    def children(self):
        return (self.proc / f"task/{self.process.pid}/children").read_text("ascii").split()

    def memory(self):
        """The most it ever had, in KiB."""
        return next(int(line.split()[1]) for line in (self.proc / "status").read_text("ascii").splitlines()
                    if line.startswith("VmHWM:"))


def crowded(log):
    """Looks of a kind that came sooner after another than they may."""
    last, found = {}, []
    for entry in log:
        action = entry["action"]
        if action in LOOKS and entry["time"] - last.get(action, 0) < INTERVAL - 0.1:
            found.append((action, round(entry["time"] - last[action], 2), entry["number"]))
        if action in LOOKS:
            last[action] = entry["time"]
    return found


@case("100 workers, then one interrupt")
def hundred(lab):
    before = witness.everything()
    lab.tell(knobs={"quotas": {"L-34B43A08": 10000, "L-1216C47A": 10000}})
    project = Project(targets=TARGETS, flags="safe fast", app=apps(), script=SCRIPT)
    lab.tell(faults=[{"action": "CreateSecurityGroup", "hold": True}])
    process = project.start("build", f"--parallel={WORKERS}", str(project.folder),
                            wrap=("sh", "-c", f'ulimit -Sn {FILES} && exec "$@"', "sh"))
    watch = Watch(process)
    await_held(lab, process)
    files = watch.open_files()
    lab.tell(release=True)
    assert watch.all_build.wait(START), (watch.building, watch.lines[-20:])
    assert process.poll() is None, watch.lines[-20:]
    counts = lab.tell(faults=[{"action": "DeleteSecurityGroup", "hold": True}])["counts"]
    process.send_signal(signal.SIGINT)
    await_held(lab, process)
    left = collections.Counter(watch.open_files()) - collections.Counter(files)
    threads, children = len(os.listdir(watch.proc / "task")), watch.children()
    memory = watch.memory()
    lab.tell(release=True)
    process.wait(timeout=120)
    watch.reader.join(60)
    log = lab.log()
    ends = [e for e in log if e["action"] == "TerminateInstances"]
    print(f"# {memory} KiB, {watch.files} descriptors, {watch.threads} threads at most; "
          f"{counts['DescribeInstances']} looks at instances, {len(ends)} calls to end them, "
          f"{len(log)} requests, {log[-1]['time'] - log[0]['time']:.0f} s")
    assert process.returncode not in (0, -signal.SIGINT), process.returncode
    assert not crowded(log), crowded(log)
    assert memory <= MEMORY, memory
    assert not left, left
    assert threads == 1 and not children, (threads, children)
    assert counts["RunInstances"] == WORKERS, counts
    assert len(ends) <= 3, len(ends)
    assert not changes(before), changes(before)
    assert len(project.archives()) == WORKERS, project.archives()


finish()
