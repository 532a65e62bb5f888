#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS and proxies: whom we trust, and through what we go.

    tls.py PROGRAM FOLDER

PROGRAM is tests/aws/ask, FOLDER takes the files.
"""

import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading

ANSWER = (b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/tls</Arn>"
          b"<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")


class Failed(Exception):
    """What is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Sts(http.server.BaseHTTPRequestHandler):
    """Knows one answer."""

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Not on standard error."""


class Proxy(http.server.BaseHTTPRequestHandler):
    """Takes CONNECT, and keeps what it was asked for."""

    asked = []

    def do_CONNECT(self):  # pylint: disable=invalid-name
        self.asked.append((self.path, self.headers["Authorization"]))
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            ends = [threading.Thread(target=carry, args=pair) for pair in
                    ((self.connection, there), (there, self.connection))]
            for end in ends:
                end.start()
            for end in ends:
                end.join()
        self.close_connection = True

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Not on standard error."""


def carry(here, there):
    try:
        while data := here.recv(65536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(handler, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    bundle, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", bundle, "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, key)
    port, proxy = serve(Sts, context), serve(Proxy)
    (folder / "config").write_text(f"[default]\nca_bundle = {bundle}\n", encoding="ascii")

    def ask(code, url=f"https://localhost:{port}", **env):
        base = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        base |= {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AK",
                 "AWS_SECRET_ACCESS_KEY": "s"}
        done = subprocess.run([program, "identity"], env=base | env, capture_output=True, text=True, check=False)
        expect(done.returncode == code, f"{env}: status {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)["arn"] if code == 0 else done.stderr

    trusted = {"AWS_CA_BUNDLE": str(bundle)}
    through = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy}"}
    try:
        expect(ask(0, **trusted).endswith("user/tls"), "AWS_CA_BUNDLE")
        expect(ask(0, AWS_CONFIG_FILE=str(folder / "config")).endswith("user/tls"), "ca_bundle")
        expect("not trusted" in ask(6), "a stranger's certificate")
        expect("not trusted" in ask(6, url=f"https://127.0.0.1:{port}", **trusted), "another name")
        expect("absent.pem" in ask(3, AWS_CA_BUNDLE=str(folder / "absent.pem")), "no such bundle")
        ask(0, **trusted, **through)
        expect(Proxy.asked == [(f"localhost:{port}", None)], f"the proxy was asked for {Proxy.asked}")
        ask(0, **trusted, **through, NO_PROXY="example.com,localhost")
        expect(len(Proxy.asked) == 1, "NO_PROXY")
        ask(5, **trusted, https_proxy="http://127.0.0.1:1")
    except Failed as problem:
        print("failed:", problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
