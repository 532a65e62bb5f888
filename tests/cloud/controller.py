# SPDX-License-Identifier: Apache-2.0
"""For cases that run the controller: a project of its own, and the program on it.

Environment, by tests/cloud/run: CONTROLLER, AGENT, TOP, WORK.
"""

import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import threading
import time

import witness
from lab import WORK

SERIAL = itertools.count()
PATIENCE = 60
# A build script that waits for let_go(), and one that does for all flags but safe.
HANGS = """#!/bin/sh
if [ "$FLAGSET" != none ]; then
	mkfifo /run/go
	read -r _ </run/go
fi
make PREFIX="$PREFIX" install
"""
HANGS_BUT_SAFE = HANGS.replace("none", "safe")
DEFAULT = """[project]
name=hello
provider=ec2
agent={agent}
[aws]
caller_address={caller}
{aws}
[app hello]
source=hello
script=build
targets={targets}
flags={flags}
level=3
{app}
[flags safe]
cflags=-O2
[flags fast]
cflags=-O3
"""


class Project:
    """A folder with a project in it, and a home for the controller's state."""

    patience = PATIENCE  # seconds that one command may take

    def __init__(self, targets="znver3", flags="safe", aws="", app="", caller="127.0.0.1", script=None):
        self.folder = WORK / f"project.{os.getpid()}.{next(SERIAL)}"
        self.state = self.folder / "state"
        self.dist = self.folder / "dist"
        shutil.copytree(pathlib.Path(os.environ["TOP"], "examples/project/hello"), self.folder / "hello")
        if script is not None:
            (self.folder / "hello/build").write_text(script, "ascii")
        text = DEFAULT.format(agent=os.environ["AGENT"], targets=targets, flags=flags, aws=aws, app=app,
                              caller=caller)
        (self.folder / "shared-prep.ini").write_text(text, "ascii")

    def environment(self, **more):
        return {**os.environ, "XDG_STATE_HOME": str(self.state), **more}

    def start(self, *words, wrap=(), **more):
        """The controller as a process with pipes."""
        return subprocess.Popen([*wrap, os.environ["CONTROLLER"], *words], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment(**more))

    def run(self, *words, code=0, **more):
        """(standard output, standard error) of one that ends with this code; None: with any."""
        process = self.start(*words, **more)
        try:
            out, err = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            raise
        assert code is None or process.returncode == code, (words, process.returncode, out, err)
        self.code = process.returncode
        return out, err

    def build(self, *words, **more):
        return self.run("build", str(self.folder), *words, **more)

    def runs(self):
        """Ids of the runs whose folder is there, oldest first."""
        return sorted(p.name for p in self.state.glob("shared-prep/*"))

    def collect(self, *words):
        """Removes what all runs have left."""
        for run in self.runs():
            self.run("gc", "--run", run, "--settle=0", *words)

    def archives(self):
        return sorted(str(p.relative_to(self.dist)) for p in self.dist.glob("*/*.tar.zst"))

    def report(self):
        return json.loads((self.dist / "build.json").read_text("ascii"))


IMAGE = """[image]
base={base}
flags=safe
rpm={rpm}
{more}
"""


class Baking(Project):
    """One that has an [image] and its archive, and a lab whose machines have a root of their own."""

    patience = 3 * PATIENCE

    def __init__(self, lab, image="", base="al2023-ecs", **more):
        super().__init__(targets="x86-64-v2", **more)
        with open(self.folder / "shared-prep.ini", "a", encoding="ascii") as f:
            f.write(IMAGE.format(base=base, rpm=os.environ["RPM"], more=image))
        self.archive("hello")
        lab.tell(knobs={"roots": "*"})

    def archive(self, text, key="hello_x86-64-v2", arch="x86_64"):
        """Packs one in which a program says that."""
        tree = self.folder / "tree"
        (tree / "bin").mkdir(parents=True, exist_ok=True)
        (tree / "bin/hello").write_text(f"#!/bin/sh\necho {text}\n", "ascii")
        (tree / "bin/hello").chmod(0o755)
        (self.dist / "safe").mkdir(parents=True, exist_ok=True)
        path = self.dist / f"safe/{key}.tar.zst"
        path.unlink(missing_ok=True)
        app, _, march = key.partition("_")
        subprocess.run([os.environ["AGENT"], "pack", "--quiet", "--app", app, "--key", march, "--arch", arch, tree,
                        "-o", path], check=True, timeout=PATIENCE)

    def bake(self, *words, **more):
        return self.run("bake", str(self.folder), *words, **more)

    def baked(self):
        """What it says of the newest image."""
        found = [p for p in self.dist.glob("images/*.json") if not p.name.endswith(".cdx.json")]
        newest = max(found, key=lambda p: p.stat().st_mtime_ns)
        return json.loads(newest.read_text("utf-8"))


class Running:
    """A build, or another command, that goes on while the test does something."""

    def __init__(self, project, *words, command="build", **more):
        self.patience = project.patience
        self.process = project.start(command, str(project.folder), *words, **more)
        self.lines = []
        self.came = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.came:
                self.lines.append(line)
                self.came.notify_all()
        with self.came:
            self.lines.append(None)
            self.came.notify_all()

    def wait(self, text, times=1):
        """Until so many lines of its standard error have had this in them; the last of them."""
        def found():
            lines = [line for line in self.lines if line and text in line]
            return lines[times - 1:] or (None in self.lines and [None])
        with self.came:
            line = (self.came.wait_for(found, self.patience) or [None])[0]
        assert line, (text, self.lines)
        return line

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self, code=0):
        """(standard output, standard error) once it has ended with this code."""
        self.process.wait(self.patience)
        self.reader.join(self.patience)
        err = "".join(line for line in self.lines if line)
        assert self.process.returncode == code, (self.process.returncode, err)
        return self.process.stdout.read(), err


def machines(lab, state="running"):
    """Names of the instances in that state, by boto3; it counts as a look."""
    found = lab.client().describe_instances(Filters=[{"Name": "instance-state-name", "Values": [state]}])
    return sorted(i["InstanceId"] for r in found["Reservations"] for i in r["Instances"])


def let_go(lab, name):
    """The build script HANGS on this worker goes on, as soon as it has got there."""
    go = pathlib.Path(lab.tell()["workers"][name]["root"], "run/go")
    end = time.monotonic() + PATIENCE
    while not go.exists():
        assert time.monotonic() < end, name
        select.select([], [], [], 0.02)
    go.write_text("go\n", "ascii")


def killed_at(lab, project, number, when, words=("build",)):
    """Runs the controller, which the lab kills at its request of this number; False: it ended before.
    when: "before" or "after" the work is done"""
    process = project.start(*words, str(project.folder), wrap=("sh", "-c", 'read -r _; exec "$@"', "sh"))
    first = lab.tell()["requests"]
    lab.tell(faults=[{"nth": first + number, "kill": process.pid, "when": when}])
    _, err = process.communicate("go\n", timeout=project.patience)
    lab.tell(faults=[])
    if process.returncode == -signal.SIGKILL:
        return True
    assert process.returncode == 0, (number, when, process.returncode, err)
    return False


def killed_at_action(lab, project, words, action, skip):
    """The same after the request of that action, more than a dry run, that so many others were before."""
    process = project.start(*words, str(project.folder), wrap=("sh", "-c", 'read -r _; exec "$@"', "sh"))
    lab.tell(faults=[{"action": action, "where": {"DryRun": None}, "skip": skip, "kill": process.pid,
                      "when": "after"}])
    _, err = process.communicate("go\n", timeout=project.patience)
    lab.tell(faults=[])
    assert process.returncode == -signal.SIGKILL, (action, skip, process.returncode, err)


def await_held(lab, process, seconds=PATIENCE):
    """Until a request is held, or the process has ended."""
    end = time.monotonic() + seconds
    while True:
        try:
            return lab.tell(wait={"held": 1, "seconds": 5})
        except ValueError:
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                raise ValueError(f"nothing is held: {process.communicate()}") from None


def changes(before):
    """What came to be or went since witness.everything() said that."""
    return sorted(set(before) ^ set(witness.everything()))
