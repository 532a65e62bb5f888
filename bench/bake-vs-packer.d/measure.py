# SPDX-License-Identifier: Apache-2.0
"""Of bench/bake-vs-packer: measure.py ROUNDS JSON"""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(os.environ["TOP"], "tests/cloud")))

import witness  # noqa: E402 pylint: disable=wrong-import-position
from controller import Baking, changes  # noqa: E402 pylint: disable=wrong-import-position
from lab import WORK, Lab  # noqa: E402 pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
PATIENCE = 300
SAMPLE = 0.02
IMAGE_CALLS = ("CreateImage", "CreateSnapshot")
# One type, as Packer has it, and no early snapshot is worth it for a disk as small as this.
TYPE = "\n[target x86_64]\ntypes=c7a.large\n"


def children(of):
    """{pid: parent} of all, then those beneath one."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found, more = {of}, True
    while more:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
    return found


def resident(pids):
    """KiB that they have to themselves, and their part of what they share."""
    total = 0
    for pid in pids:
        try:
            rows = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
            total += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
        except OSError:
            continue
    return total


class Measured:
    """A command that runs, and its memory meanwhile."""

    def __init__(self, words, environment):
        self.peak = 0
        self.began = time.monotonic()
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.output = []
        self.reader = threading.Thread(target=lambda: self.output.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def wait(self):
        while self.process.poll() is None and time.monotonic() - self.began < PATIENCE:
            self.peak = max(self.peak, resident(children(self.process.pid)))
            time.sleep(SAMPLE)
        took = time.monotonic() - self.began
        self.kill()
        return took

    def kill(self):
        """What is left of its process group, too."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)
        self.reader.join(10)


class Controller:
    """controller bake"""

    name = "controller bake"

    def __init__(self, lab):
        self.project = Baking(lab)
        with open(self.project.folder / "shared-prep.ini", "a", encoding="ascii") as f:
            f.write(TYPE)

    def start(self, _number):
        shutil.rmtree(self.project.dist / "images", ignore_errors=True)
        return Measured([os.environ["CONTROLLER"], "bake", "-q", str(self.project.folder)], self.project.environment())

    def clean(self):
        self.project.collect()


class Packer:
    """packer build"""

    name = "packer amazon-ebs"

    def __init__(self, lab, archive):
        self.words = ["packer", "build", "-color=false"]
        source = lab.client("ssm").get_parameter(Name=SOURCE)["Parameter"]["Value"]
        for name, value in {"source": source, "rpm": os.environ["RPM"], "archive": archive,
                            "endpoint": os.environ["LAB"]}.items():
            self.words += ["-var", f"{name}={value}"]
        # It takes this for the number of its looks at an instance.
        own = {name: value for name, value in os.environ.items() if name != "AWS_MAX_ATTEMPTS"}
        self.environment = {**own, "PACKER_CACHE_DIR": str(WORK / "packer"), "CHECKPOINT_DISABLE": "1",
                            "PACKER_CONFIG_DIR": str(WORK / "packer"), "TMPDIR": str(WORK)}

    def start(self, number):
        return Measured([*self.words, "-var", f"name=packer-{number}", str(HERE / "image.json")], self.environment)

    def clean(self):
        """It has nothing of the kind."""


def forget(lab):
    ec2 = lab.client()
    for image in ec2.describe_images(Owners=["self"])["Images"]:
        ec2.deregister_image(ImageId=image["ImageId"])
    for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


def sources(lab, since):
    """Whom port 22 was opened to."""
    found = {entry["form"].get("IpPermissions.1.IpRanges.1.CidrIp", "?") for entry in lab.log()[since:]
             if entry["action"] == "AuthorizeSecurityGroupIngress"}
    return ", ".join(sorted(found))


def once(lab, tool, number):
    before, since = witness.everything(), lab.tell()["requests"]
    running = tool.start(number)
    took = running.wait()
    assert running.process.returncode == 0, "".join(running.output)[-3000:]
    calls = lab.tell()["requests"] - since
    left = [x for x in changes(before) if x.split()[0] not in ("Images", "Snapshots")]
    assert not left, left
    source = sources(lab, since)
    forget(lab)
    return {"seconds": took, "calls": calls, "peak_kib": running.peak, "source": source}


def killed(lab, tool):
    """What is there when it was killed at its call for the image, and after cleaning."""
    before = witness.everything()
    process = []
    lab.tell(faults=[{"action": action, "where": {"DryRun": None}, "hold": True} for action in IMAGE_CALLS])
    running = tool.start(99)
    lab.tell(wait={"held": 1, "seconds": 60})
    running.kill()
    lab.tell(faults=[], release=True)
    process.append(running)
    left = changes(before)
    tool.clean()
    return {"left": left, "after": changes(before)}


def kinds(names):
    rows = sorted({n.split()[0] for n in names} - {"SecurityGroupRules"})
    return ", ".join(f"{sum(n.split()[0] == kind for n in names)} {kind}" for kind in rows) or "nothing"


def table(results):
    print(f"{'':24} {'seconds':>8} {'calls':>6} {'MiB':>6}  {'port 22 from':14} left after SIGKILL; after cleaning")
    for name, r in results.items():
        print(f"{name:24} {r['seconds']:8.1f} {r['calls']:6d} {r['peak_mib']:6.1f}  {r['source']:14} "
              f"{kinds(r['left'])}; {kinds(r['after'])}")


def main(rounds, as_json):
    lab = Lab()
    mine = Controller(lab)
    tools = [mine, Packer(lab, mine.project.dist / "safe/hello_x86-64-v2.tar.zst")]
    samples = {tool.name: [] for tool in tools}
    for number in range(rounds):
        for tool in tools:
            samples[tool.name].append(once(lab, tool, number))
    results = {}
    for tool in tools:
        rows = samples[tool.name]
        results[tool.name] = {
            "seconds": statistics.median(r["seconds"] for r in rows), "calls": int(statistics.median(r["calls"] for r in rows)),
            "peak_mib": statistics.median(r["peak_kib"] for r in rows) / 1024, "source": rows[0]["source"],
            **killed(lab, tool)}
    if as_json:
        print(json.dumps({"format": 1, "rounds": rounds, "results": results}, indent=2))
    else:
        table(results)


main(int(sys.argv[1]), sys.argv[2] == "1")
