# SPDX-License-Identifier: Apache-2.0
"""HTTP as it is on the wire: requests with every header as sent, answers that may be flawed."""

import dataclasses
import email.utils
import http.server
import json
import time
import traceback
import urllib.parse

import rest

LIMIT = 64 << 20
JSON_TYPE = "application/x-amz-json-1.1"


@dataclasses.dataclass
class Request:
    """One request; target and headers are those of the wire."""

    method: str
    target: str
    headers: list
    body: bytes
    peer: str

    def header(self, name):
        """The last of this name in lower case; None: there is none."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else None

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def scope(self):
        """(access key, date, region, service) of the credential, or empty strings."""
        part = (self.header("authorization") or "").partition("Credential=")[2].split(",")[0]
        fields = part.split("/")
        return tuple(fields[:4]) if len(fields) == 5 else ("", "", "", "")

    @property
    def region(self):
        return self.scope[2]

    @property
    def service(self):
        return self.scope[3]

    @property
    def query(self):
        """Of the target."""
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def form(self):
        """Fields of a query request; of one in JSON its members at the top, and what its path names."""
        if self.is_json:
            try:
                body = json.loads(self.body or b"{}") if self.body[:1] in (b"{", b"") else {}
            except ValueError:
                body = {}
            return {**body, **rest.call(self)[1]}
        if not (self.header("content-type") or "").startswith("application/x-www-form-urlencoded"):
            return {}
        pairs = urllib.parse.parse_qsl(self.body.decode("latin-1"), keep_blank_values=True)
        return dict(pairs)

    @property
    def is_json(self):
        return bool(self.header("x-amz-target")) or self.service in rest.SERVICES

    @property
    def action(self):
        """"RunInstances"; where nobody names one, "PUT /path"."""
        target = self.header("x-amz-target")
        if target:
            return target.rpartition(".")[2]
        return rest.call(self)[0] or self.form.get("Action") or f"{self.method} {self.path}"


@dataclasses.dataclass
class Answer:
    """What is sent. flaw: "drop" sends nothing, "truncate" half of the body."""

    status: int
    kind: str = "text/xml"
    body: bytes = b""
    headers: list = dataclasses.field(default_factory=list)
    flaw: str = ""


DROPPED = Answer(0, flaw="drop")


def snake(name):
    """"PutSnapshotBlock": "put_snapshot_block\""""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def error(request, status, code, message):
    """An error as the service would put it."""
    if request.is_json:
        body = json.dumps({"__type": code, "message": message}).encode()
        return Answer(status, JSON_TYPE, body, [("x-amzn-ErrorType", code)])
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if request.service == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>lab</RequestID></Response>"
    elif request.service == "s3":
        text = f"<Error>{inner}<RequestId>lab</RequestId></Error>"
    else:
        text = (f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
                "<RequestId>lab</RequestId></ErrorResponse>")
    return Answer(status, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def document(value, kind="application/json"):
    return Answer(200, kind, json.dumps(value).encode())


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def setup(self):
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def read_body(self):
        if (self.headers.get("transfer-encoding") or "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline(64).split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline(8)
                if len(body) > LIMIT:
                    raise ConnectionError
            while self.rfile.readline(4096) not in (b"\r\n", b"\n", b""):
                pass
            return body
        length = int(self.headers.get("content-length") or 0)
        if length > LIMIT:
            raise ConnectionError
        body = self.rfile.read(length)
        if len(body) < length:  # who has gone in the middle of a request has asked for nothing
            raise ConnectionError
        return body

    def serve(self):
        target = self.requestline.split(" ")[1]
        request = Request(self.command, target, list(self.headers.items()), self.read_body(),
                          self.client_address[0])
        self.send(self.server.application(request))

    def send(self, answer):
        if answer.flaw == "drop":
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('Status',))[0]}",
                 f"Date: {email.utils.formatdate(time.time() + self.server.application.clock, usegmt=True)}",
                 f"Content-Type: {answer.kind}", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = answer.body if self.command != "HEAD" else b""
        if answer.flaw == "truncate":
            self.close_connection = True
            body = body[:len(body) // 2]
        self.wfile.write(head + body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = serve

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass


class Server(http.server.ThreadingHTTPServer):
    """A thread each connection; who goes away in the middle is no error."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, application, tls=None):
        super().__init__(address, Handler)
        self.application = application
        self.tls = tls

    def handle_error(self, request, client_address):
        self.application.broken(traceback.format_exc())
