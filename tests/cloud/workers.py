# SPDX-License-Identifier: Apache-2.0
"""Running instances as machines: each in namespaces of its own, entered by sshd for each connection
to port 22 of its address. A worker is made when the first connection comes."""

import fnmatch
import ipaddress
import os
import pathlib
import select
import shutil
import socket
import subprocess
import threading
import time

import imds
import power
import seed
from userdata import Setup

HERE = pathlib.Path(__file__).resolve().parent
SSHD = "/usr/sbin/sshd"
PATIENCE = 60
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def facts_of(instance):
    """What a worker is told of its instance."""
    return {"id": instance.id, "type": instance.instance_type, "image": instance.image_id,
            "zone": instance._placement.zone, "region": instance.region_name,
            "arch": instance.architecture, "market": instance.lifecycle or "on-demand",
            "private": instance.private_ip, "public": instance.public_ip}


def allowed(instance, peer):
    """Do the rules of its groups let this address in, to port 22?"""
    address = ipaddress.ip_address(peer)
    for group in set(instance.nics[0].group_set) | set(instance.security_groups):
        for rule in group.ingress_rules:
            ports = rule.ip_protocol == "-1" or (rule.ip_protocol == "tcp"
                                                 and rule.from_port <= 22 <= rule.to_port)
            if ports and rule.cidr_ipv4 and address in ipaddress.ip_network(rule.cidr_ipv4, strict=False):
                return True
    return False


def pair_of(instance):
    """The public key of its key pair; "": it has none."""
    pair = instance.ec2_backend.key_pairs.get(instance.key_name)
    return pair.public_key.strip() if pair else ""


class Worker:
    """One machine. instance: moto's."""

    def __init__(self, instance, folder, impostor, layers=None):
        """layers: disks.py, of a root of its own"""
        self.instance = instance
        self.layers = layers
        self.spoil = ""         # commands that are run in its root before it boots
        self.facts = facts_of(instance)
        self.setup = Setup(str(instance.user_data or ""), pair_of(instance))
        self.folder = folder
        self.impostor = impostor
        self.metadata = imds.Service({**self.facts, "user_data": self.setup.raw})
        self.listeners = [socket.create_server((a, 22), backlog=64)
                          for a in (self.facts["private"], self.facts["public"]) if a]
        self.lock = threading.Lock()
        self.process = None
        self.started = False
        self.held = []          # connections that get no answer
        self.asked = []         # what its shutdown and the like were called with
        self.deadline = None    # of the clock below
        self.skipped = 0.0      # seconds that the test made pass
        self.lying = False      # shows another host key
        self.lost = False
        self.over = False       # ended for good: nothing starts it again
        self.frozen = False     # its file system stands still
        self.boots = 0
        self.jump = False       # connects to other machines, as a bastion does
        self.sessions = 0
        self.deaf = 0           # connections that it still closes at once

    def clock(self):
        return time.monotonic() + self.skipped

    def start(self):
        """Makes the machine. Returns its sources of events: {"asked": fd, "metadata": socket}."""
        self.boots += 1
        seed.Seed(self.folder, self.setup, self.facts, self.impostor, self.layers).write()
        if self.spoil:
            (self.folder / "spoil").write_text(self.spoil, "utf-8")
        asked = os.open(self.folder / "asked", os.O_RDWR | os.O_NONBLOCK)  # bootcmd may ask already
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--uts", "--ipc",
                 "--fork", "--kill-child", str(HERE / "worker"), str(self.folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=ENVIRONMENT)
        metadata = self.listen_for_metadata()
        ready = select.select([self.process.stdout], [], [], PATIENCE)[0]
        if not ready or self.process.stdout.readline() != b"ready\n":
            raise OSError("worker: " + (self.folder / "log").read_text("utf-8", "replace"))
        self.started = True
        return {"asked": asked, "metadata": metadata}

    def listen_for_metadata(self):
        """Once unshare has made the namespace, which it does before it starts the worker."""
        mine = os.readlink("/proc/self/ns/net")
        path = f"/proc/{self.process.pid}/ns/net"
        end = time.monotonic() + PATIENCE
        while os.readlink(path) == mine:
            if time.monotonic() > end or self.process.poll() is not None:
                raise OSError("worker: no network namespace")
            select.select([], [], [], 0.002)
        return imds.listen_in(path)

    def session(self, connection):
        """sshd for it, in the machine."""
        space = f"/proc/{self.process.pid}/ns/"
        enter = ["nsenter", f"--mount={space}mnt", f"--pid={space}pid_for_children", f"--uts={space}uts",
                 f"--ipc={space}ipc"] + ([] if self.jump else [f"--net={space}net"])
        config = seed.OTHER_CONFIG if self.lying else seed.CONFIG
        # On one that is baked nothing of ours may write to the disk.
        log = "/var/log/sshd.log" if self.layers is None else "/run/lab/log/sshd.log"
        subprocess.Popen([*enter, SSHD, "-i", "-f", config, "-E", log],
                         stdin=connection, stdout=connection, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        self.sessions += 1

    def kill(self):
        """All of it, at once."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None
        self.started = False

    def clear(self):
        """Nothing is left of the last boot but what is on its disk."""
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if path.name != "upper":
                shutil.rmtree(path) if path.is_dir() else path.unlink()  # pylint: disable=expression-not-assigned
        self.deadline = None
        self.frozen = False

    def inside(self, path):
        """Where a file of its own is for us."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{path}")

    def read(self, path):
        try:
            return self.inside(path).read_text("utf-8")
        except (OSError, AttributeError):
            return ""

    def heard(self, line):
        """What it asked for. True: it is to end now."""
        self.asked.append(line)
        if line.startswith("fsfreeze "):
            self.frozen = " -f" in line or " --freeze" in line
        verb, seconds = power.meaning(line, self.read) or ("", 0)
        if verb == "cancel":
            self.deadline = None
        elif verb == "off":
            self.deadline = self.clock() + seconds
        return self.is_over()

    def is_over(self):
        return self.deadline is not None and self.clock() >= self.deadline

    def report(self):
        left = None if self.deadline is None else round(self.deadline - self.clock(), 1)
        return {"started": self.started, "asked": self.asked, "off_in": left, "sessions": self.sessions,
                "boots": self.boots, "own_root": self.layers is not None,
                "ignored": self.setup.ignored, "problem": self.setup.problem,
                "blocked": len(self.held), "root": str(self.inside("/")) if self.started else None,
                **{k: self.facts[k] for k in ("type", "zone", "public", "private")}}


class Workers:
    """All of them, and one thread that waits for what happens to them."""

    def __init__(self, folder, knobs, disks):
        self.folder = pathlib.Path(folder)
        self.knobs = knobs
        self.disks = disks
        self.lock = threading.Lock()
        self.workers = {}
        self.on_power = None  # told the id of a worker that switched itself off
        self.serial = 0
        self.poll = select.epoll()
        self.events = {}      # fd: (object that is to be kept, function)
        self.problems = []
        seed.keygen(str(self.folder / "impostor"))
        self.impostor = (self.folder / "impostor").read_text("ascii")
        threading.Thread(target=self.loop, daemon=True).start()

    def watch(self, source, function):
        fd = source if isinstance(source, int) else source.fileno()
        with self.lock:
            self.events[fd] = (source, function)
        self.poll.register(fd, select.EPOLLIN)

    def forget(self, worker, spared=()):
        """Closes what is watched for it, but those."""
        with self.lock:
            mine = [(fd, source) for fd, (source, function) in self.events.items()
                    if function.__self__.worker is worker and source not in spared]
            for fd, source in mine:
                del self.events[fd]
                self.poll.unregister(fd)
                if isinstance(source, int):
                    os.close(source)
                else:
                    source.close()

    def open(self, instance):
        """It runs from now on."""
        self.serial += 1
        image = instance.ec2_backend.amis.get(instance.image_id)
        try:
            layers = image and self.disks.layers_of(image, fnmatch.fnmatchcase(image.name, self.knobs["roots"]))
        except (OSError, subprocess.SubprocessError) as problem:
            layers = None
            self.problems.append(f"{image.id}: {problem}")
        worker = Worker(instance, self.folder / f"w{self.serial}", self.impostor, layers)
        worker.spoil = self.disks.spoilt.get(instance.image_id, "")
        worker.deaf = self.knobs["deaf"]
        with self.lock:
            self.workers[instance.id] = worker
        for listener in worker.listeners:
            self.watch(listener, Event(self, worker, "connect").run)

    def close(self, name):
        with self.lock:
            worker = self.workers.pop(name, None)
        if worker:
            self.forget(worker)
            worker.over = True
            with worker.lock:
                worker.kill()
            for connection in worker.held:
                connection.close()
            shutil.rmtree(worker.folder, ignore_errors=True)

    def reset(self):
        for name in list(self.workers):
            self.close(name)
        self.problems.clear()

    def get(self, name):
        if name not in self.workers:
            raise ValueError(f"'{name}' is no running instance")
        return self.workers[name]

    def reboot(self, name):
        """It starts again with the next connection; those that there are end."""
        worker = self.workers.get(name)
        if worker and not worker.lost:
            with worker.lock:
                worker.kill()
                self.forget(worker, worker.listeners)
                worker.clear()

    def lose(self, name):
        """The machine is gone, the API does not know yet."""
        worker = self.get(name)
        worker.lost = worker.over = True
        with worker.lock:
            worker.kill()

    def loop(self):
        while True:
            for fd, _ in self.poll.poll(0.5):
                with self.lock:
                    source, function = self.events.get(fd, (None, None))
                if source is not None:
                    try:
                        function(source)
                    except OSError as problem:
                        self.problems.append(str(problem))
            for name, worker in list(self.workers.items()):
                if worker.is_over():
                    self.on_power(name)


class Event:
    """What happens to one worker, by name."""

    def __init__(self, workers, worker, what):
        self.workers = workers
        self.worker = worker
        self.what = what
        self.rest = b""

    def run(self, source):
        getattr(self, self.what)(source)

    def connect(self, listener):
        connection, peer = listener.accept()
        worker = self.worker
        if not allowed(worker.instance, peer[0]) or worker.lost:
            if self.workers.knobs["blocked"] == "silent":
                worker.held.append(connection)
            else:
                connection.close()
            return
        if worker.deaf > 0:
            worker.deaf -= 1
            connection.close()
            return
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        worker = self.worker
        with connection, worker.lock:
            try:
                # Its end may have come while this waited for the lock.
                if worker.over:
                    return
                if not worker.started and worker.process is None:
                    for what, source in worker.start().items():
                        self.workers.watch(source, Event(self.workers, worker, what).run)
                worker.session(connection)
            except OSError as problem:
                self.workers.problems.append(f"{worker.facts['id']}: {problem}")

    def asked(self, fd):
        self.rest += os.read(fd, 4096)
        *lines, self.rest = self.rest.split(b"\n")
        over = [self.worker.heard(line.decode("utf-8", "replace")) for line in lines]
        if any(over):
            self.workers.on_power(self.worker.facts["id"])

    def metadata(self, listener):
        connection, _ = listener.accept()
        threading.Thread(target=self.worker.metadata.serve, args=(connection,), daemon=True).start()
