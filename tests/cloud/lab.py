# SPDX-License-Identifier: Apache-2.0
"""For cases in Python: the lab, machines in it and the way to them, and a result for each function.

    from lab import Lab, case, finish

    @case("an instance runs")
    def runs(lab):
        machine = lab.machine()
        assert lab.ssh(machine, "id -un").stdout == "ec2-user\\n"

    finish()

Environment, by tests/cloud/run: LAB (its address), AWS_* for the account, WORK (a folder to write in).
"""

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request

import boto3

WORK = pathlib.Path(os.environ["WORK"])
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"
LOOKS = 100  # at an instance, before it is given up
CASES = []
SERIAL = itertools.count()


@dataclasses.dataclass
class Machine:
    """One that runs, and what is needed to log in."""

    name: str
    address: str
    key: pathlib.Path
    known: pathlib.Path
    group: str


def make_key():
    """A path; the public half is beside it."""
    path = WORK / f"key.{os.getpid()}.{next(SERIAL)}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def user_data(host, login, more=""):
    """cloud-config that pins this host key and lets this login key in. more: further lines"""
    private = "".join(f"    {line}\n" for line in host.read_text("ascii").splitlines())
    return ("#cloud-config\nssh_keys:\n  ed25519_private: |\n" + private
            + f"  ed25519_public: {host.with_suffix(host.suffix + '.pub').read_text('ascii')}"
            + f"ssh_authorized_keys:\n  - {login.with_suffix(login.suffix + '.pub').read_text('ascii')}{more}")


class Lab:
    """The running lab."""

    def __init__(self):
        self.url = os.environ["LAB"]
        self.clients = {}

    def tell(self, **verbs):
        """As in control.py; returns the report."""
        body = json.dumps(verbs).encode() if verbs else None
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + "/lab", body), timeout=60) as f:
                return json.load(f)
        except urllib.error.HTTPError as problem:
            raise ValueError(problem.read().decode()) from None

    def urlopen(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as f:
            return f.read().decode()

    def log(self):
        return json.loads(self.urlopen("/lab/log"))

    def client(self, service="ec2", **more):
        """One of boto3; of each kind there is one, for they take long to make."""
        key = (service, *sorted(more.items()))
        if key not in self.clients:
            self.clients[key] = boto3.client(service, **more)
        return self.clients[key]

    def group(self, cidr="127.0.0.1/32"):
        """A security group with port 22 open to it."""
        ec2 = self.client()
        name = ec2.create_security_group(GroupName=f"g{next(SERIAL)}", Description="of a test")["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=name, IpPermissions=[{
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": cidr}]}])
        return name

    def image(self):
        return self.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]

    def machine(self, more="", group=None, **arguments):
        """Runs one and waits for it. more: lines of cloud-config; arguments: of RunInstances"""
        host, login, group = make_key(), make_key(), group or self.group()
        ec2 = self.client()
        request = {"ImageId": self.image(), "InstanceType": "c7a.large", "MinCount": 1, "MaxCount": 1,
                   "SecurityGroupIds": [group], "UserData": user_data(host, login, more),
                   "InstanceInitiatedShutdownBehavior": "terminate", **arguments}
        name = ec2.run_instances(**request)["Instances"][0]["InstanceId"]
        for _ in range(LOOKS):
            found = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
            if found["State"]["Name"] == "running":
                break
        assert found["State"]["Name"] == "running", found["State"]
        known = WORK / f"known.{name}"
        public = host.with_suffix(host.suffix + ".pub").read_text("ascii")
        known.write_text(f"{found['PublicIpAddress']} {public}", "ascii")
        return Machine(name, found["PublicIpAddress"], login, known, group)

    @staticmethod
    def ssh(machine, command, *options):
        """The completed process."""
        return subprocess.run(
            ["ssh", "-F", "none", "-i", machine.key, "-o", f"UserKnownHostsFile={machine.known}",
             "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
             "-o", "ConnectTimeout=20", *options, f"ec2-user@{machine.address}", command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)

    def root(self, machine):
        """The root of one that somebody has logged in to, as a folder."""
        return pathlib.Path(self.tell()["workers"][machine.name]["root"])

    def volume(self, machine):
        """The id of the one that it boots from."""
        found = self.client().describe_instances(InstanceIds=[machine.name])["Reservations"][0]["Instances"][0]
        return next(d["Ebs"]["VolumeId"] for d in found["BlockDeviceMappings"]
                    if d["DeviceName"] == found["RootDeviceName"])

    def settle(self, image=None, snapshot=None, region=None):
        """What the API says of it when it is not pending any more."""
        ec2 = self.client(**({"region_name": region} if region else {}))
        for _ in range(LOOKS):
            if image:
                found = ec2.describe_images(ImageIds=[image])["Images"][0]
            else:
                found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
            if found["State"] != "pending":
                return found
        raise AssertionError(found)

    def state(self, name):
        """Of an instance; None: it is not listed."""
        found = self.client().describe_instances(Filters=[{"Name": "instance-id", "Values": [name]}])
        return next((i["State"]["Name"] for r in found["Reservations"] for i in r["Instances"]), None)

    def clear(self, *groups):
        """Ends all instances, then these groups."""
        ec2 = self.client()
        live = [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]
                if i["State"]["Name"] != "terminated"]
        if live:
            ec2.terminate_instances(InstanceIds=live)
            for _ in range(LOOKS):
                if all(self.state(name) in (None, "terminated") for name in live):
                    break
        for group in groups:
            ec2.delete_security_group(GroupId=group)


def case(text):
    """Of a function that takes the lab and asserts."""
    def add(function):
        CASES.append((text, function))
        return function
    return add


def own_part(problem):
    """The lines of a trace that are of the case."""
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if "/cloud/" in f.filename][1:]
    return [f"{pathlib.Path(f.filename).name}:{f.lineno}: {f.line}" for f in frames] + [
        line for text in traceback.format_exception_only(problem) for line in text.splitlines()]


def finish():
    """Runs them; a line "ok TEXT" or "not ok TEXT" each, for tests/cloud/run."""
    lab = Lab()
    failed = False
    for text, function in CASES:
        try:
            lab.tell(calm=True)
            began = time.monotonic()
            function(lab)
            print(f"ok {text}\n# {time.monotonic() - began:.1f} s", flush=True)
        except Exception as problem:  # pylint: disable=broad-except
            failed = True
            print("not ok", text, flush=True)
            print("".join(f"# {line}\n" for line in own_part(problem)), end="", flush=True)
    sys.exit(failed)
