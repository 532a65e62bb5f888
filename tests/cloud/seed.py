# SPDX-License-Identifier: Apache-2.0
"""The files of a worker, in a folder of its own: seed/ is laid over an otherwise bare root, local/ is
its /usr/local, class/ its /sys/class; asked is where its shutdown and the like say what they were
called with. tests/cloud/worker puts all that in its place.
"""

import os
import pathlib
import shlex
import shutil
import stat
import subprocess

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
CONFIG, OTHER_CONFIG = "/etc/ssh/sshd_config", "/run/lab/impostor_config"
UID = 1000
HERE = pathlib.Path(__file__).resolve().parent
DIRECTORIES = (("dev/pts", 0o755), ("dev/shm", 0o1777), ("tmp", 0o1777), ("root", 0o700), ("mnt", 0o755),
               ("media", 0o755), ("opt", 0o755), ("srv", 0o755), ("run/sshd", 0o755), ("run/lock", 0o755),
               ("var/lib/cloud/instance", 0o755), ("var/log", 0o755), ("var/tmp", 0o1777),
               ("var/cache", 0o755))
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"dev/ptmx": "pts/ptmx", "dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0",
         "dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2", "var/run": "../run"}
SHIMS = ("shutdown", "poweroff", "halt", "reboot", "systemctl", "systemd-run")
NITRO = {"sys_vendor": "Amazon EC2", "board_vendor": "Amazon EC2", "bios_vendor": "Amazon EC2",
         "chassis_asset_tag": "Amazon EC2", "bios_version": "1.0"}


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Seed:
    """Writes it. folder: not there yet. instance: id, type and private address of the worker. impostor:
    another private host key."""

    def __init__(self, folder, setup, instance, impostor):
        self.top = pathlib.Path(folder)
        self.folder = self.top / "seed"
        self.setup = setup
        self.instance = instance
        self.impostor = impostor

    def put(self, path, text, mode=0o644):
        """text: str or bytes"""
        where = self.folder / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        with open(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(data)
        where.chmod(mode)

    def write(self):
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

    def frame(self):
        """What needs nothing to be known."""
        for name in ("seed", "root", "etc", "local/bin", "local/sbin", "local/lib", "local/share",
                     "class/dmi/id"):
            (self.top / name).mkdir(parents=True)
        for name, mode in DIRECTORIES:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).chmod(mode)
        for name, (major, minor) in DEVICES.items():
            os.mknod(self.folder / "dev" / name, stat.S_IFCHR, os.makedev(major, minor))
            (self.folder / "dev" / name).chmod(0o666)
        for name, to in LINKS.items():
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
        """Users of the system below, then those of the user data."""
        passwd = [line for line in pathlib.Path("/etc/passwd").read_text("utf-8").splitlines()
                  if line.count(":") == 6 and (int(line.split(":")[2]) < UID or line.startswith("nobody:"))]
        group = [line for line in pathlib.Path("/etc/group").read_text("utf-8").splitlines()
                 if line.count(":") == 3 and (int(line.split(":")[2]) < UID or line.startswith("nogroup:"))]
        sudo = []
        for number, (name, keys, rule) in enumerate(self.setup.users, UID):
            passwd.append(f"{name}:x:{number}:{number}::/home/{name}:/bin/bash")
            group.append(f"{name}:x:{number}:")
            self.put(f"/home/{name}/.ssh/authorized_keys", "".join(f"{k}\n" for k in keys), 0o600)
            for path in ("", "/.ssh", "/.ssh/authorized_keys"):
                os.chown(f"{self.folder}/home/{name}{path}", number, number)
            os.chmod(f"{self.folder}/home/{name}", 0o700)
            sudo += [f"{name} {r}\n" for r in ([rule] if isinstance(rule, str) else rule or [])]
        self.put("/etc/passwd", "\n".join(passwd) + "\n")
        self.put("/etc/group", "\n".join(group) + "\n")
        self.put("/etc/shadow", "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in passwd), 0o600)
        self.put("/etc/sudoers.d/90-cloud-init-users", "".join(sudo), 0o440)

    def ssh(self):
        setup = self.setup
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
