# SPDX-License-Identifier: Apache-2.0
"""A server between a client and moto that looks at each request as AWS would: is the signature what
botocore makes of it, and does every parameter stand in the official model of the service?

What moto lacks is answered from `canned`: {"GetProducts": [answer of the first page, …]}; or by a
function of `hooks`: {action: of the parameters and the request, what reply() takes}.
"""

import hashlib
import http.client
import http.server
import json
import re
import threading
import urllib.parse

import botocore.auth
import botocore.session
import botocore.validate
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MODELS = {"ec2": "ec2", "iam": "iam", "sts": "sts", "ssm": "ssm", "s3": "s3", "pricing": "pricing",
          "servicequotas": "service-quotas", "autoscaling": "autoscaling", "batch": "batch", "ebs": "ebs"}
S3 = {("PUT", ()): "PutObject", ("GET", ()): "GetObject", ("HEAD", ()): "HeadObject",
      ("DELETE", ()): "DeleteObject", ("POST", ("uploads",)): "CreateMultipartUpload",
      ("PUT", ("partNumber", "uploadId")): "UploadPart",
      ("POST", ("uploadId",)): "CompleteMultipartUpload",
      ("DELETE", ("uploadId",)): "AbortMultipartUpload"}
PLAIN = {"host", "content-type", "content-length", "accept", "x-amz-date", "x-amz-content-sha256",
         "x-amz-security-token", "x-amz-target", "authorization", "user-agent"}


class Wrong(Exception):
    """What AWS would not take."""


def signature_of(request, secret, token):
    """What botocore would send for this request."""
    sent = request.headers["Authorization"]
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, "
                         r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", sent)
    if not found:
        raise Wrong("no authorization: " + sent)
    identity, _, region, service, names, signature = found.groups()
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(Credentials(identity, secret, token), service, region)
    signed = names.split(";")
    ours = {n: v for n, v in request.headers.items() if n.lower() in signed}
    made = AWSRequest(request.command, "http://" + request.headers["Host"] + request.path, headers=ours,
                      data=request.body)
    made.context["timestamp"] = request.headers["X-Amz-Date"]
    canonical = signer.canonical_request(made)
    if signer.signature(signer.string_to_sign(made, canonical), made) != signature:
        raise Wrong("another signature; canonical request:\n" + canonical)
    digest = request.headers.get("X-Amz-Content-SHA256")
    if service == "s3" and digest != hashlib.sha256(request.body).hexdigest():
        raise Wrong("another SHA-256 of the body")
    for must in {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set()):
        if must not in signed:
            raise Wrong(must + " is not signed")
    return service


def value_of(shape, text):
    if shape.type_name == "boolean":
        if text not in ("true", "false"):
            raise Wrong("no boolean: " + text)
        return text == "true"
    if shape.type_name in ("integer", "long"):
        return int(text)
    # New types come every month.
    if getattr(shape, "enum", None) and shape.name != "InstanceType" and text not in shape.enum:
        raise Wrong(f"'{text}' is not one of {shape.enum}")
    return text


def name_of(protocol, member, shape):
    """How a member of a structure is called in a form."""
    if protocol != "ec2":
        return shape.serialization.get("name", member)
    if "queryName" in shape.serialization:
        return shape.serialization["queryName"]
    name = shape.serialization.get("name", member)
    return name[0].upper() + name[1:]


def is_flat(protocol, shape):
    return protocol == "ec2" or shape.serialization.get("flattened")


def grown(protocol, shape, form, prefix):
    """The parameters of a shape whose names begin with prefix, taken out of form."""
    if shape.type_name == "structure":
        out = {}
        for member, inner in shape.members.items():
            name = prefix + ("." if prefix else "") + name_of(protocol, member, inner)
            if any(k == name or k.startswith(name + ".") for k in form):
                out[member] = grown(protocol, inner, form, name)
        return out
    if shape.type_name == "list":
        out, base = [], prefix if is_flat(protocol, shape) else prefix + ".member"
        while any(k == f"{base}.{len(out) + 1}" or k.startswith(f"{base}.{len(out) + 1}.") for k in form):
            out.append(grown(protocol, shape.member, form, f"{base}.{len(out) + 1}"))
        return out
    return value_of(shape, form.pop(prefix))


def validate(params, shape):
    report = botocore.validate.ParamValidator().validate(params, shape)
    if report.has_errors():
        raise Wrong(report.generate_report())


class Judge:
    """Requests against the models."""

    def __init__(self):
        session = botocore.session.Session()
        self.models = {s: session.get_service_model(m) for s, m in MODELS.items()}

    def form(self, model, body):
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            raise Wrong("a parameter comes twice")
        action, version = form.pop("Action"), form.pop("Version")
        if version != model.api_version:
            raise Wrong("version " + version)
        shape = model.operation_model(action).input_shape
        params = grown(model.metadata["protocol"], shape, form, "")
        if form:
            raise Wrong(f"{action} knows no {sorted(form)}")
        validate(params, shape)
        return action, params

    def json(self, model, headers, body):
        prefix, action = headers["X-Amz-Target"].split(".")
        if prefix != model.metadata["targetPrefix"]:
            raise Wrong("target " + prefix)
        params = json.loads(body)
        shape = model.operation_model(action).input_shape
        unknown = set(params) - set(shape.members)
        if unknown:
            raise Wrong(f"{action} knows no {unknown}")
        validate(params, shape)
        return action, params

    def rest(self, model, request):
        query = urllib.parse.parse_qs(request.path.partition("?")[2], keep_blank_values=True)
        action = S3[request.command, tuple(sorted(query))]
        members = model.operation_model(action).input_shape.members.values()
        known = {m.serialization.get("name", "").lower() for m in members
                 if m.serialization.get("location") == "header"}
        unknown = {h.lower() for h in request.headers} - known - PLAIN
        if unknown:
            raise Wrong(f"{action} knows no {unknown}")
        return action, query

    def rest_json(self, model, request):
        """The operation of method and path; members come in path, query, headers and body."""
        path, _, query = request.path.partition("?")
        for action in model.operation_names:
            operation = model.operation_model(action)
            names = re.findall(r"{(\w+)}", operation.http["requestUri"])
            pattern = re.sub(r"{\w+}", "([^/]+)", operation.http["requestUri"])
            found = re.fullmatch(pattern, path)
            if found and operation.http["method"] == request.command:
                break
        else:
            raise Wrong("no such path")
        given = {("uri", n): v for n, v in zip(names, found.groups())}
        given |= {("querystring", n): v for n, v in urllib.parse.parse_qsl(query, strict_parsing=bool(query))}
        given |= {("header", n.lower()): v for n, v in request.headers.items() if n.lower() not in PLAIN}
        params = {}
        for member, shape in operation.input_shape.members.items():
            where, name = shape.serialization.get("location"), shape.serialization.get("name", member)
            key = (where, name.lower() if where == "header" else name)
            if key in given:
                params[member] = value_of(shape, urllib.parse.unquote(given.pop(key)))
            elif shape.serialization.get("streaming"):
                params[member] = request.body
        if given:
            raise Wrong(f"{action} knows no {sorted(given)}")
        if request.body and not any(s.serialization.get("streaming") for s in operation.input_shape.members.values()):
            body = json.loads(request.body)
            unknown = set(body) - set(operation.input_shape.members)
            if unknown:
                raise Wrong(f"{action} knows no {unknown}")
            params |= body
        validate(params, operation.input_shape)
        return action, params

    def look(self, service, request):
        model = self.models[service]
        if service == "s3":
            return self.rest(model, request)
        if model.metadata["protocol"] == "rest-json":
            return self.rest_json(model, request)
        if model.metadata["protocol"] == "json":
            return self.json(model, request.headers, request.body)
        return self.form(model, request.body)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        wire = self.server.wire
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            service = signature_of(self, wire.secret, wire.token)
            action, params = wire.judge.look(service, self)
        except (Wrong, KeyError, ValueError) as problem:
            wire.wrong.append(f"{self.command} {self.path} {self.body[:300]}: {problem!r}")
            self.reply(400, {}, b"<Error><Code>WireSaysNo</Code></Error>")
            return
        wire.seen.append((service, action, params))
        if action in wire.hooks:
            self.reply(*wire.hooks[action](params, self))
        elif action in wire.faults:
            self.reply(*wire.faults.pop(action))
        elif action in wire.canned:
            pages = wire.canned[action]
            page = int(params.get("NextToken", params.get("nextToken", "0")))
            self.reply(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(pages[page]).encode())
        else:
            self.forward(wire.moto)

    def forward(self, moto):
        connection = http.client.HTTPConnection(moto, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        connection.request(self.command, self.path, self.body, headers)
        answer = connection.getresponse()
        self.reply(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.send_header("Connection", "close")
        try:
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # its client was killed

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # pylint: disable=invalid-name

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Wire:
    def __init__(self, moto, secret, token=None):
        self.moto, self.secret, self.token = moto, secret, token
        self.judge = Judge()
        self.seen, self.wrong, self.canned, self.faults, self.hooks = [], [], {}, {}, {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.wire = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def actions(self, since=0):
        return [a for _, a, _ in self.seen[since:]]
