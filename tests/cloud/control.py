# SPDX-License-Identifier: Apache-2.0
"""What a test tells the lab: POST /lab with an object of the verbs below, each in its turn; the answer
is the report (Cloud.report), which GET /lab gives too. GET /lab/log is every request with its time,
GET /lab/wire each since "record" as it came.

    reset      true: all is as at the start
    record     true: keeps what comes, for /lab/wire
    calm       true: no faults, and all knobs as at the start
    faults     [fault, …] in place of those that are there: faults.py
    release    true: requests that are held go on
    knobs      {name: value}: knobs.py
    wait       {"requests": N, "held": M, "seconds": 30}: until so many have come, or are held
    notice     {"id": …, "kind": "terminate", "in": 120}: as in tests/fake/metadata
    interrupt  id: AWS takes the spot instance
    lose       id: its machine is gone, without the API knowing
    lie        id: it shows another host key than its user data has
    jump       id: it reaches other machines, as a bastion does
    spoil      {"image": id, "how": "no-agent"}: machines that start from it lack the agent; or
               "damaged-archive", "no-unit", "not-wiped" (the machine id is an old one), or {"image":
               id, "shell": commands} that are run before they boot
    forgive    true: forgets problems and refused signatures that were meant
    elapse     {"id": …, "minutes": N}: its clock goes on
"""

import json
import time

import wire

# Shell commands, run in the root of a machine before it boots.
SPOILS = {
    "no-agent": "rm -f /usr/bin/shared-prep\n",
    "no-unit": "rm -f /etc/systemd/system/*.wants/shared-prep*.service\n",
    # In its data: what is at the end says what it is.
    "damaged-archive": """for f in /usr/local/data/*.tar.*; do
	printf damage | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") / 10)) conv=notrunc status=none
done
""",
    "not-wiped": "touch -d '1 hour ago' /etc/machine-id\n",
}


class Control:
    """Before the application: what is not AWS."""

    def __init__(self, cloud):
        self.cloud = cloud

    @property
    def clock(self):
        return self.cloud.clock

    def broken(self, trace):
        self.cloud.broken(trace)

    def __call__(self, request):
        if request.path == "/checkip":
            return wire.Answer(200, "text/plain", f"{self.cloud.knobs['caller'] or request.peer}\n".encode())
        if request.path == "/lab/log":
            return wire.document(self.cloud.log)
        if request.path == "/lab/wire":
            return wire.document(self.cloud.wire)
        if request.path != "/lab":
            return self.cloud(request)
        try:
            for verb, value in (json.loads(request.body) if request.body else {}).items():
                if verb.startswith("_") or not hasattr(Verbs, verb):
                    raise ValueError(f"'{verb}' is not known")
                getattr(Verbs, verb)(self.cloud, value)
        except (ValueError, KeyError, TypeError) as problem:
            return wire.Answer(400, "text/plain", f"{problem!r}\n".encode())
        return wire.document(self.cloud.report())


class Verbs:
    """One function each."""

    @staticmethod
    def reset(cloud, _value):
        cloud.reset()

    @staticmethod
    def record(cloud, _value):
        cloud.wire = []

    @staticmethod
    def calm(cloud, _value):
        cloud.faults.replace([])
        cloud.knobs.reset()

    @staticmethod
    def faults(cloud, value):
        cloud.faults.replace(value)

    @staticmethod
    def release(cloud, _value):
        cloud.faults.released.set()

    @staticmethod
    def knobs(cloud, value):
        cloud.knobs.turn(value)

    @staticmethod
    def wait(cloud, value):
        end = time.monotonic() + value.get("seconds", 30)
        with cloud.arrived:
            while len(cloud.log) < value.get("requests", 0) or cloud.faults.held < value.get("held", 0):
                if time.monotonic() > end:
                    raise ValueError(f"after {value.get('seconds', 30)} s: {len(cloud.log)} requests, "
                                     f"{cloud.faults.held} held")
                cloud.arrived.wait(0.02)

    @staticmethod
    def notice(cloud, value):
        cloud.workers.get(value["id"]).metadata.announce(value.get("kind", "terminate"), value.get("in", 120))

    @staticmethod
    def interrupt(cloud, value):
        cloud.power_off(value, "Server.SpotInstanceTermination")

    @staticmethod
    def lose(cloud, value):
        cloud.workers.lose(value)

    @staticmethod
    def lie(cloud, value):
        cloud.workers.get(value).lying = True

    @staticmethod
    def jump(cloud, value):
        cloud.workers.get(value).jump = True

    @staticmethod
    def spoil(cloud, value):
        cloud.disks.spoilt[value["image"]] = value.get("shell") or SPOILS[value["how"]]

    @staticmethod
    def forgive(cloud, _value):
        cloud.arbiter.refused.clear()
        cloud.workers.problems.clear()

    @staticmethod
    def elapse(cloud, value):
        worker = cloud.workers.get(value["id"])
        worker.skipped += value["minutes"] * 60
        if worker.is_over():
            cloud.power_off(value["id"])
