# SPDX-License-Identifier: Apache-2.0
"""The lab itself: instances as machines."""

import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import types

from lab import WORK, case, finish, make_key

TOKEN = ("T=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "
         "http://169.254.169.254/latest/api/token); "
         "curl -sS -w '%{http_code}' -H \"X-aws-ec2-metadata-token: $T\" http://169.254.169.254/latest/")
MORE = """bootcmd:
  - echo booted > /run/booted
  - [shutdown, -P, "+30"]
runcmd:
  - [touch, "/run/with space"]
  - echo final >> /opt/file
write_files:
  - path: /opt/file
    content: aGVsbG8K
    encoding: b64
    permissions: "0640"
"""


def log_in(lab, machine, command, *options):
    done = lab.ssh(machine, command, *options)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@case("one logs in with the pinned host key, and is root by sudo")
def login(lab):
    machine = lab.machine(MORE)
    assert log_in(lab, machine, "id -un; sudo -n id -un") == "ec2-user\nroot\n"
    assert log_in(lab, machine, "cat /run/shared-prep-test-worker").strip() == machine.name
    machine.key = make_key()
    assert "Permission denied" in lab.ssh(machine, "true").stderr
    lab.clear(machine.group)


@case("the user data was followed")
def setup(lab):
    machine = lab.machine(MORE)
    wait = "until [ -e /var/lib/cloud/instance/boot-finished ]; do :; done; "
    said = log_in(lab, machine, wait + "sudo -n cat /run/booted /opt/file; stat -c %a /opt/file; ls /run/with*")
    assert said == "booted\nhello\nfinal\n640\n/run/with space\n", said
    report = lab.tell()["workers"][machine.name]
    assert report["asked"] == ["shutdown -P +30"] and report["ignored"] == [], report
    lab.clear(machine.group)


@case("a machine can mount, and cannot change the system below")
def walls(lab):
    machine = lab.machine()
    assert log_in(lab, machine, "sudo -n sh -c 'mkdir /shared && mount -t tmpfs -o size=1m t /shared && "
                                "touch /shared/x /etc/of-the-machine && findmnt -no FSTYPE /shared'") == "tmpfs\n"
    for path in ("/usr/x", "/proc/sys/kernel/x", "/sys/kernel/x"):
        done = lab.ssh(machine, f"sudo -n touch {path}")
        assert done.returncode != 0, path
    assert log_in(lab, machine, "cat /sys/class/dmi/id/product_name") == "c7a.large\n"
    assert not pathlib.Path("/etc/of-the-machine").exists()
    assert log_in(lab, machine, "ls -A /tmp") == ""
    lab.clear(machine.group)


@case("one that still boots closes connections")
def deaf(lab):
    lab.tell(knobs={"deaf": 1})
    machine = lab.machine()
    assert lab.ssh(machine, "true").returncode == 255
    log_in(lab, machine, "true")
    lab.clear(machine.group)


@case("another host key is refused")
def impostor(lab):
    machine = lab.machine()
    log_in(lab, machine, "true")
    lab.tell(lie=machine.name)
    done = lab.ssh(machine, "echo in")
    assert done.returncode == 255 and "Host key verification failed" in done.stderr and not done.stdout, done
    lab.clear(machine.group)


@case("the rules of the group are honoured")
def rules(lab):
    lab.tell(knobs={"blocked": "reset"})
    machine = lab.machine(group=lab.group("127.0.0.2/32"))
    assert lab.ssh(machine, "true").returncode == 255
    log_in(lab, machine, "true", "-o", "BindAddress=127.0.0.2")
    lab.client().authorize_security_group_ingress(GroupId=machine.group, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}])
    log_in(lab, machine, "true")
    lab.tell(knobs={"blocked": "silent"})
    with socket.create_connection((machine.address, 22), 5, ("127.0.0.3", 0)) as silent:
        silent.settimeout(0.2)
        try:
            assert not silent.recv(1), "it is answered"
        except TimeoutError:
            pass
    lab.clear(machine.group)


@case("the metadata service is the machine's own, and has the notice")
def metadata(lab):
    machine = lab.machine(InstanceMarketOptions={"MarketType": "spot"})
    ask = lambda path: log_in(lab, machine, TOKEN + path)  # noqa: E731
    assert ask("meta-data/instance-id") == machine.name + "200"
    assert ask("meta-data/instance-life-cycle") == "spot200"
    assert ask("user-data").startswith("#cloud-config")
    assert ask("meta-data/spot/instance-action").endswith("404")
    assert log_in(lab, machine, "curl -sS -o /dev/null -w '%{http_code}' "
                                "http://169.254.169.254/latest/meta-data/instance-id") == "401"
    lab.tell(notice={"id": machine.name, "kind": "terminate", "in": 120})
    assert '"action": "terminate"' in ask("meta-data/spot/instance-action")
    lab.tell(interrupt=machine.name)
    assert lab.state(machine.name) == "shutting-down"
    lab.clear(machine.group)


@case("the dead man's switch ends the instance, unless it is armed again")
def switch(lab):
    machine = lab.machine("bootcmd:\n  - shutdown -P +30\n")
    log_in(lab, machine, "true")
    lab.tell(elapse={"id": machine.name, "minutes": 29})
    assert lab.state(machine.name) == "running"
    log_in(lab, machine, "sudo -n shutdown -P +30")
    lab.tell(elapse={"id": machine.name, "minutes": 29})
    assert lab.state(machine.name) == "running"
    lab.tell(elapse={"id": machine.name, "minutes": 2})
    assert lab.state(machine.name) == "shutting-down"
    assert lab.ssh(machine, "true").returncode == 255
    lab.clear(machine.group)


@case("poweroff ends it at once, and all that runs in it")
def poweroff(lab):
    machine = lab.machine()
    lab.ssh(machine, "sudo -n poweroff; exec tail -f /dev/null")
    end = time.monotonic() + 20
    while lab.state(machine.name) == "running":
        assert time.monotonic() < end
    lab.clear(machine.group)


@case("a lost machine is silent while the API says that it runs")
def lost(lab):
    lab.tell(knobs={"blocked": "reset"})
    machine = lab.machine()
    log_in(lab, machine, "true")
    lab.tell(lose=machine.name)
    assert lab.ssh(machine, "true").returncode == 255 and lab.state(machine.name) == "running"
    lab.clear(machine.group)


@case("a connection that comes when its machine has ended does not start that again")
def late(_lab):
    sys.path.append(str(pathlib.Path(os.environ["TOP"], "tests/fake")))
    import workers  # pylint: disable=import-outside-toplevel
    started = []
    worker = types.SimpleNamespace(lock=threading.Lock(), over=True, started=False, process=None,
                                   start=lambda: started.append(1) or {}, session=started.append)
    ours, theirs = socket.socketpair()
    workers.Event(None, worker, "connect").serve(theirs)
    assert not started and ours.recv(1) == b""
    ours.close()


@case("one machine leads to another, as a bastion")
def bastion(lab):
    first = lab.machine()
    second = lab.machine(group=first.group)
    lab.tell(jump=first.name)
    proxy = (f"ProxyCommand=ssh -F none -i {first.key} -o UserKnownHostsFile={first.known} -o BatchMode=yes "
             f"-W %h:%p ec2-user@{first.address}")
    assert log_in(lab, second, "cat /run/shared-prep-test-worker", "-o", proxy).strip() == second.name
    lab.clear(first.group)


@case("master connections carry input and output")
def master(lab):
    machine = lab.machine()
    options = ["-o", "ControlMaster=auto", "-o", f"ControlPath={WORK}/m.%C", "-o", "ControlPersist=60"]
    for _ in range(3):
        log_in(lab, machine, "true", *options)
    assert lab.tell()["workers"][machine.name]["sessions"] == 1
    data = os.urandom(1 << 20)
    done = subprocess.run(["ssh", "-F", "none", *options, f"ec2-user@{machine.address}", "sudo -n cat"],
                          input=data, capture_output=True, check=True, timeout=60)
    assert done.stdout == data
    lab.ssh(machine, "true", *options, "-O", "exit")
    lab.clear(machine.group)


finish()
