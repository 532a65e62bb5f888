# SPDX-License-Identifier: Apache-2.0
"""A strict arbiter of Signature Version 4: computes the signature from what is on the wire.

It uses neither botocore nor our own code. "Create a signed AWS API request", IAM User Guide.
"""

import calendar
import hashlib
import hmac
import re
import time

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
UNSIGNED = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}
SKEW = 900


def encode(data, keep=b""):
    return "".join(chr(c) if c in UNRESERVED or c in keep else f"%{c:02X}" for c in data)


def decode(text):
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("latin-1"))


def without_dots(path):
    """RFC 3986, 6.2.2.3; empty segments go too."""
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(kept) + tail


def canonical_path(path, service):
    """S3 encodes once and takes the path as it is; the others encode what is encoded again."""
    if service == "s3":
        return encode(decode(path or "/"), b"/")
    return encode(without_dots(path or "/").encode("latin-1"), b"/")


def canonical_query(query):
    pairs = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs.append((encode(decode(name)), encode(decode(value))))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical(request, signed, payload, service):
    path, _, query = request.target.partition("?")
    lines = [request.method, canonical_path(path, service), canonical_query(query)]
    for name in signed:
        values = [" ".join(v.split()) for n, v in request.headers if n.lower() == name]
        lines.append(f"{name}:{','.join(values)}")
    return "\n".join([*lines, "", ";".join(signed), payload])


def sign(secret, scope, stamp, text):
    """scope: "DATE/REGION/SERVICE/aws4_request"."""
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(text.encode("latin-1")).hexdigest()
    full = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.new(key, full.encode(), hashlib.sha256).hexdigest()


def parsed(header):
    """(access key, scope, signed headers, signature); None: not as documented."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8}/[^/, ]+/[^/, ]+/aws4_request), ?"
                         r"SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})", header or "")
    return match and (match[1], match[2], match[3].split(";"), match[4])


def time_complaints(stamp, scope, now):
    try:
        when = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return [f"x-amz-date '{stamp}' is none"]
    complaints = []
    if abs(when - now) > SKEW:
        complaints.append("RequestTimeTooSkewed")
    if not scope.startswith(stamp[:8]):
        complaints.append("date of scope and request differ")
    return complaints


def header_complaints(request, signed):
    names = [name.lower() for name, _ in request.headers]
    complaints = [f"header '{n}' is not signed" for n in set(names)
                  if (n == "host" or n.startswith("x-amz-")) and n not in signed]
    complaints += [f"signed header '{n}' is not there" for n in signed if n not in names]
    if signed != sorted(set(signed)):
        complaints.append("SignedHeaders are not sorted")
    return complaints


def payload_of(request, service):
    """(hash to sign, complaints)"""
    real = hashlib.sha256(request.body).hexdigest()
    said = request.header("x-amz-content-sha256")
    if said is None:
        return real, ["no x-amz-content-sha256"] if service == "s3" else []
    if said == "UNSIGNED-PAYLOAD":
        return said, [] if service in ("s3", "ebs") else ["UNSIGNED-PAYLOAD outside S3 and EBS"]
    return said, [] if said == real else ["XAmzContentSHA256Mismatch"]


class Arbiter:
    """Keys that are known, and what was refused. secrets: {access key: (secret, token or None)}"""

    def __init__(self, secrets):
        self.given = dict(secrets)
        self.secrets = dict(secrets)
        self.refused = []

    def reset(self):
        self.secrets = dict(self.given)
        self.refused = []

    def learn(self, body):
        """The keys in an answer of STS."""
        text = body.decode("utf-8", "replace")
        found = [re.search(f"<{n}>([^<]+)</{n}>", text)
                 for n in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
        if all(found):
            self.secrets[found[0][1]] = (found[1][1], found[2][1])

    def complaints(self, request, now):
        """[]: all is well."""
        if request.action in UNSIGNED or request.header("x-amz-sso_bearer_token"):
            return []
        fields = parsed(request.header("authorization"))
        if not fields:
            return ["no authorization, or a malformed one"]
        access, scope, signed, signature = fields
        service = scope.split("/")[2]
        if access not in self.secrets:
            return [f"access key '{access}' is not known"]
        secret, token = self.secrets[access]
        stamp = request.header("x-amz-date") or ""
        payload, found = payload_of(request, service)
        found += time_complaints(stamp, scope, now) + header_complaints(request, signed)
        if request.header("x-amz-security-token") != token:
            found.append("another session token")
        text = canonical(request, signed, payload, service)
        if not hmac.compare_digest(sign(secret, scope, stamp, text), signature):
            found.append("SignatureDoesNotMatch")
        return found
