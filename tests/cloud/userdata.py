# SPDX-License-Identifier: Apache-2.0
"""What cloud-init would make of an instance's user data: as far as its documentation goes for the
modules bootcmd, write_files, users, ssh and runcmd, with Amazon Linux's defaults."""

import base64
import binascii
import gzip
import shlex

import yaml

KNOWN = {"bootcmd", "write_files", "users", "ssh_keys", "ssh_authorized_keys", "ssh_deletekeys",
         "ssh_genkeytypes", "ssh_pwauth", "disable_root", "runcmd", "package_update", "package_upgrade",
         "repo_update", "repo_upgrade", "preserve_hostname", "hostname"}
DEFAULT_USER = {"name": "ec2-user", "sudo": "ALL=(ALL) NOPASSWD:ALL"}
DECODERS = {"b64": ("b64",), "base64": ("b64",), "gz": ("gz",), "gzip": ("gz",),
            "gz+b64": ("b64", "gz"), "gz+base64": ("b64", "gz"), "gzip+base64": ("b64", "gz"),
            "gzip+b64": ("b64", "gz"), "text/plain": (), "": ()}


def config_of(data):
    """The cloud-config; of a script one that runs it. data: as the metadata service gives it."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text = data.decode("utf-8", "replace")
    if text.startswith("#!"):
        return {"runcmd": [text.partition("\n")[2]]}
    if text.partition("\n")[0].rstrip() != "#cloud-config":
        return {}
    config = yaml.safe_load(text) or {}
    return config if isinstance(config, dict) else {}


def script_of(commands):
    """Items that are lists are run as they are, others by sh."""
    lines = [shlex.join(map(str, c)) if isinstance(c, list) else str(c) for c in commands or []]
    return "".join(line + "\n" for line in lines)


def content_of(entry):
    data = entry.get("content", "")
    data = data if isinstance(data, bytes) else str(data).encode()
    for decoder in DECODERS[entry.get("encoding", "")]:
        data = base64.b64decode(data) if decoder == "b64" else gzip.decompress(data)
    return data


class Setup:
    """What a worker is made of."""

    def __init__(self, user_data, pair=""):
        """user_data: base64, as the API has it. pair: the public key of its key pair"""
        try:
            self.raw = base64.b64decode(user_data)
            config = config_of(self.raw)
            self.problem = None
        except (ValueError, binascii.Error, OSError, yaml.YAMLError) as problem:
            config, self.problem = {}, f"user data: {problem}"
        self.ignored = sorted(set(config) - KNOWN)
        self.boot = script_of(config.get("bootcmd"))
        self.final = script_of(config.get("runcmd"))
        keys = config.get("ssh_keys") or {}
        self.host_key = keys.get("ed25519_private")
        self.host_public = keys.get("ed25519_public")
        self.disable_root = config.get("disable_root", True)
        self.users = self.users_of(config, [pair] if pair else [])
        self.files = config.get("write_files") or []

    @staticmethod
    def users_of(config, more):
        """[(name, keys, sudo rule or None)]; keys at the top, and more, belong to the default user."""
        top = (config.get("ssh_authorized_keys") or []) + more
        found = []
        for user in config.get("users", ["default"]):
            if user == "default":
                user = {**DEFAULT_USER, "ssh_authorized_keys": top}
            elif isinstance(user, str):
                user = {"name": user}
            found.append((user["name"], user.get("ssh_authorized_keys") or [], user.get("sudo")))
        return found
