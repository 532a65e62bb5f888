# SPDX-License-Identifier: Apache-2.0
"""The files of a worker, in a folder of its own: seed/ is laid over its root, local/ is its /usr/local
where that root is bare, class/ its /sys/class; asked is where its shutdown and the like say what they
were called with, lower lists the layers of a root of its own. tests/cloud/worker puts all that in its
place.
"""

import os
import pathlib
import secrets
import shlex
import shutil
import stat
import subprocess
import time

from disks import look
from userdata import content_of

# The key exchange of Amazon Linux 2 alone: what newer ones prefer takes longer than all the rest.
SSHD = """HostKey {key}
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin {root}
KexAlgorithms curve25519-sha256
UsePAM no
UseDNS no
Subsystem sftp internal-sftp
PidFile none
LogLevel VERBOSE
"""
KEY, OTHER = "/etc/ssh/ssh_host_ed25519_key", "/run/lab/impostor_key"
CONFIG, OTHER_CONFIG = "/run/lab/sshd_config", "/run/lab/impostor_config"
UID = 1000
HERE = pathlib.Path(__file__).resolve().parent
DIRECTORIES = (("dev/pts", 0o755), ("dev/shm", 0o1777), ("tmp", 0o1777), ("root", 0o700), ("mnt", 0o755),
               ("media", 0o755), ("opt", 0o755), ("srv", 0o755), ("run/sshd", 0o755), ("run/lock", 0o755),
               ("var/log", 0o755), ("var/tmp", 0o1777), ("var/cache", 0o755))
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"dev/ptmx": "pts/ptmx", "dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0",
         "dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2", "var/run": "../run"}
SHIMS = ("shutdown", "poweroff", "halt", "reboot", "systemctl", "systemd-run", "fsfreeze", "journalctl")
FIRST_BOOT = ("", "uninitialized")  # what /etc/machine-id has in an image
DISABLED = ('no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo \'Please login as the user '
            '\\"{user}\\" rather than the user \\"root\\".\';echo;exit 142" ')
NITRO = {"sys_vendor": "Amazon EC2", "board_vendor": "Amazon EC2", "bios_vendor": "Amazon EC2",
         "chassis_asset_tag": "Amazon EC2", "bios_version": "1.0"}


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Seed:
    """Writes it. instance: id, type and private address of the worker. impostor: another private host
    key. layers: folders of its own root, upper ones first; None: it borrows the system's."""

    def __init__(self, folder, setup, instance, impostor, layers=None):
        self.top = pathlib.Path(folder)
        self.folder = self.top / "seed"
        self.setup = setup
        self.instance = instance
        self.impostor = impostor
        self.layers = layers

    def look(self, path):
        """What the root has there."""
        return look(["/"] if self.layers is None else [self.top / "upper", *self.layers], path)

    def put(self, path, text, mode=0o644):
        """text: str or bytes"""
        where = self.folder / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        with open(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(data)
        where.chmod(mode)

    def write(self):
        began = int(time.time())
        self.frame()
        self.put("/run/shared-prep-test-worker", self.instance["id"] + "\n")
        self.accounts()
        self.ssh()
        name = "ip-" + self.instance["private"].replace(".", "-")
        self.put("/etc/hostname", name + "\n")
        self.put("/etc/hosts", f"127.0.0.1 localhost\n{self.instance['private']} {name}\n")
        self.put("/run/lab/boot", "#!/bin/sh\n" + self.setup.boot + self.file_commands(), 0o755)
        self.put("/run/lab/final", "#!/bin/sh\n" + self.setup.final
                 + "touch /var/lib/cloud/instance/boot-finished\n", 0o755)
        self.state()
        if self.layers is not None:
            (self.top / "booted").write_text(str(began), "ascii")
            shutil.copy(HERE / "manager", self.folder / "run/lab/manager")
            (self.top / "lower").write_text(":".join(map(str, self.layers)), "ascii")
            if self.look("/etc/machine-id").strip() in FIRST_BOOT:
                self.put("/etc/machine-id", secrets.token_hex(16) + "\n", 0o444)

    def state(self):
        """What cloud-init keeps of an instance: its user data too."""
        own = f"/var/lib/cloud/instances/{self.instance['id']}"
        self.put(f"{own}/user-data.txt", self.setup.raw, 0o600)
        (self.folder / "var/lib/cloud/instance").symlink_to(own)

    def frame(self):
        """What needs nothing to be known."""
        for name in ("seed", "root", "etc", "local/bin", "local/sbin", "local/lib", "local/share",
                     "class/dmi/id"):
            (self.top / name).mkdir(parents=True)
        for name, mode in DIRECTORIES:
            if self.layers is not None and not name.startswith("dev/"):
                continue
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).chmod(mode)
        for name, (major, minor) in DEVICES.items():
            os.mknod(self.folder / "dev" / name, stat.S_IFCHR, os.makedev(major, minor))
            (self.folder / "dev" / name).chmod(0o666)
        for name, to in LINKS.items():
            if self.layers is None or name.startswith("dev/"):
                (self.folder / name).symlink_to(to)
        for name in SHIMS:
            shutil.copy(HERE / "power", self.top / "local/sbin" / name)
        for name, value in {**NITRO, "product_name": self.instance["type"],
                            "board_asset_tag": self.instance["id"]}.items():
            (self.top / "class/dmi/id" / name).write_text(value + "\n", "ascii")
        os.mkfifo(self.top / "asked")
        (self.top / "asked").chmod(0o666)
        self.put("/run/lab/asked", "")

    def accounts(self):
        """Users of the root that there is, then those of the user data."""
        mine = self.layers is not None
        passwd = [line.split(":") for line in self.look("/etc/passwd").splitlines() if line.count(":") == 6]
        group = [line for line in self.look("/etc/group").splitlines() if line.count(":") == 3]
        if not mine:
            passwd = [line for line in passwd if int(line[2]) < UID or line[0] == "nobody"]
            group = [line for line in group if int(line.split(":")[2]) < UID or line.startswith("nogroup:")]
        known = {line[0]: int(line[2]) for line in passwd}
        sudo = []
        for name, keys, rule in self.setup.users:
            number = known.get(name) or max([UID - 1, *(n for n in known.values() if n < 60000)]) + 1
            if name not in known:
                known[name] = number
                passwd.append([name, "x", str(number), str(number), "", f"/home/{name}", "/bin/bash"])
                group.append(f"{name}:x:{number}:")
            self.authorize(f"/home/{name}", keys, number)
            sudo += [f"{name} {r}\n" for r in ([rule] if isinstance(rule, str) else rule or [])]
        if mine and self.setup.disable_root and self.setup.users:
            name, keys, _ = self.setup.users[0]
            self.authorize("/root", [DISABLED.format(user=name) + k for k in keys], 0)
        self.put("/etc/passwd", "".join(":".join(line) + "\n" for line in passwd))
        self.put("/etc/group", "".join(f"{line}\n" for line in group))
        self.put("/etc/shadow", "".join(f"{line[0]}:*:19000:0:99999:7:::\n" for line in passwd), 0o600)
        self.put("/etc/sudoers.d/90-cloud-init-users", "".join(sudo), 0o440)

    def authorize(self, home, keys, number):
        """Beside those that the image has."""
        path = f"{home}/.ssh/authorized_keys"
        before = self.look(path).splitlines() if self.layers is not None else []
        self.put(path, "".join(f"{k}\n" for k in [*before, *keys]), 0o600)
        for part in (home, f"{home}/.ssh", path):
            os.chown(f"{self.folder}{part}", number, number)
        os.chmod(f"{self.folder}{home}", 0o700)

    def ssh(self):
        setup = self.setup
        (self.folder / "run/sshd").mkdir(parents=True, exist_ok=True)
        if setup.host_key:
            self.put(KEY, setup.host_key.rstrip("\n") + "\n", 0o600)
        else:
            (self.folder / "etc/ssh").mkdir(parents=True, exist_ok=True)
            keygen(str(self.folder / KEY.lstrip("/")))
        root = "no" if setup.disable_root else "prohibit-password"
        self.put(CONFIG, SSHD.format(key=KEY, root=root))
        self.put(OTHER_CONFIG, SSHD.format(key=OTHER, root=root))
        self.put(OTHER, self.impostor, 0o600)

    def file_commands(self):
        """write_files, in shell; they come after bootcmd."""
        lines = []
        for number, entry in enumerate(self.setup.files):
            self.put(f"/run/lab/files/{number}", content_of(entry), 0o600)
            path, source = shlex.quote(entry["path"]), f"/run/lab/files/{number}"
            lines.append(f"mkdir -p \"$(dirname {path})\"")
            lines.append(f"cat {source} {'>>' if entry.get('append') else '>'}{path}")
            lines.append(f"chmod {shlex.quote(str(entry.get('permissions', '0644')))} {path}")
            lines.append(f"chown {shlex.quote(entry.get('owner', 'root:root'))} {path}")
        return "".join(line + "\n" for line in lines)
