# SPDX-License-Identifier: Apache-2.0
"""The files of a worker: a folder that tests/cloud/worker lays over an otherwise bare root."""

import os
import pathlib
import shlex
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
NITRO = {"sys_vendor": "Amazon EC2", "board_vendor": "Amazon EC2", "bios_vendor": "Amazon EC2",
         "chassis_asset_tag": "Amazon EC2", "bios_version": "1.0"}


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Seed:
    """Writes it. folder: empty. instance: id, type and private address of the worker. impostor:
    another private host key."""

    def __init__(self, folder, setup, instance, impostor):
        self.folder = pathlib.Path(folder)
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
        self.put("/run/shared-prep-test-worker", self.instance["id"] + "\n")
        self.accounts()
        self.ssh()
        for name, value in {**NITRO, "product_name": self.instance["type"],
                            "board_asset_tag": self.instance["id"]}.items():
            self.put(f"/run/lab/dmi/{name}", value + "\n")
        name = "ip-" + self.instance["private"].replace(".", "-")
        self.put("/etc/hostname", name + "\n")
        self.put("/etc/hosts", f"127.0.0.1 localhost\n{self.instance['private']} {name}\n")
        self.put("/run/lab/boot", "#!/bin/sh\n" + self.setup.boot + self.file_commands(), 0o755)
        self.put("/run/lab/final", "#!/bin/sh\n" + self.setup.final
                 + "touch /var/lib/cloud/instance/boot-finished\n", 0o755)

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
