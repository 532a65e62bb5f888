# SPDX-License-Identifier: Apache-2.0
"""The metadata service of one worker: served by the lab through a socket that was made in the
worker's network namespace, so that it needs no process of its own."""

import ctypes
import fcntl
import json
import os
import secrets
import socket
import struct
import threading
import time

from clouds import announce_ec2, answer_ec2

ADDRESS = "169.254.169.254"
CLONE_NEWNET = 0x40000000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8913, 0x8914
IFF_UP = 1
LIBC = ctypes.CDLL(None, use_errno=True)
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed"}


def set_address(device, address, mask):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, mask)):
            fcntl.ioctl(s, request, struct.pack("16sHH4s8x", device, socket.AF_INET, 0, socket.inet_aton(value)))
        flags = struct.unpack("16sH", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sH", device, 0)))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH", device, flags | IFF_UP))


def listen_in(namespace):
    """A listening socket in that network namespace (a path). A thread enters it and ends there."""
    found = []

    def enter():
        with open(namespace, "rb") as f:
            if LIBC.setns(f.fileno(), CLONE_NEWNET):
                found.append(OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}"))
                return
        try:
            set_address(b"lo", "127.0.0.1", "255.0.0.0")
            set_address(b"lo:1", ADDRESS, "255.255.255.255")
            found.append(socket.create_server((ADDRESS, 80)))
        except OSError as problem:
            found.append(problem)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


class Asked:
    """A request, as tests/fake/clouds.py wants it."""

    def __init__(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more or len(data) > 65536:
                raise ConnectionError
            data += more
        lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        self.method, target, _ = lines[0].split(" ", 2)
        self.path = target.partition("?")[0]
        self.headers = {name.strip().lower(): value.strip()
                        for name, _, value in (line.partition(":") for line in lines[1:])}


class Service:
    """The answers for one instance."""

    def __init__(self, facts):
        """facts: id, type, image, zone, region, arch, market, private, public, user_data, tags"""
        self.tokens = {}
        meta = "/latest/meta-data/"
        self.values = {
            "/latest/dynamic/instance-identity/document": json.dumps({
                "accountId": "123456789012", "architecture": facts["arch"], "version": "2017-09-30",
                "availabilityZone": facts["zone"], "imageId": facts["image"], "instanceId": facts["id"],
                "instanceType": facts["type"], "privateIp": facts["private"], "region": facts["region"],
                "pendingTime": "2025-01-01T00:00:00Z"}),
            meta + "ami-id": facts["image"], meta + "instance-id": facts["id"],
            meta + "instance-life-cycle": facts["market"], meta + "instance-type": facts["type"],
            meta + "placement/availability-zone": facts["zone"],
            meta + "placement/region": facts["region"], meta + "local-ipv4": facts["private"],
            meta + "events/maintenance/scheduled": "[]",
        }
        if facts["public"]:
            self.values[meta + "public-ipv4"] = facts["public"]
        if facts["user_data"]:
            self.values["/latest/user-data"] = facts["user_data"].decode("latin-1")

    def announce(self, kind, seconds):
        found = announce_ec2(kind, time.time() + seconds)
        if not found:
            raise ValueError(f"notice '{kind}': EC2 has none")
        self.values.update(found)

    def new_token(self, ttl):
        token = secrets.token_urlsafe(40) + "=="
        self.tokens[token] = time.monotonic() + ttl
        return token

    def token_state(self, request):
        token = request.headers.get("x-aws-ec2-metadata-token")
        return "valid" if self.tokens.get(token, 0) > time.monotonic() else "bad"

    def serve(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                request = Asked(connection)
                status, text = answer_ec2(self, request) or (200, self.values.get(request.path))
                if text is None:
                    status, text = 404, "<h1>404 - Not Found</h1>"
                body = text.encode("latin-1")
                connection.sendall((f"HTTP/1.1 {status} {REASONS[status]}\r\nServer: EC2ws\r\n"
                                    f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
                                    "Connection: close\r\n\r\n").encode() + body)
            except (OSError, ValueError):
                pass
