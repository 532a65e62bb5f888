#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random requests signed by our signer and by botocore: all texts must be the same.

    signatures.py PROGRAM [SEED]

PROGRAM is tests/aws/sign. The seed is printed, so that a failure can be had again.
"""

import datetime
import json
import random
import subprocess
import sys
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

COUNT = 400
NO_NORMALIZE, SINGLE_ENCODE, CONTENT_SHA256, QUERY = 1, 2, 4, 16
S3 = NO_NORMALIZE | SINGLE_ENCODE | CONTENT_SHA256
LETTERS = "abcXYZ019-._~ /:+=&%*'()!,;@$äß漢🙂"
NAMES = ("X-Amz-Target", "Content-Type", "X-Amz-A", "X-Amz-A-B", "Range", "x-amz-checksum",
         "X-Amz-Checksum-Algorithm", "User-Agent", "Date-Of", "Z", "Expect", "If-None-Match")


def quoted(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def words(rnd, most, letters=LETTERS, least=0):
    return "".join(rnd.choice(letters) for _ in range(rnd.randint(least, most)))


def path_of(rnd, s3):
    parts = [rnd.choice((words(rnd, 8), ".", "..", "", words(rnd, 4))) for _ in range(rnd.randint(0, 6))]
    # An URL that begins with "//" would name a host.
    path = "/" + "/".join(quoted(p, "" if s3 else ":+@") for p in parts)
    return "/" + path.lstrip("/") if path.startswith("//") else path


def request_of(rnd):
    """What tests/aws/sign takes, made so that both forms of it are the same request."""
    s3 = rnd.random() < 0.35
    presigned = rnd.random() < 0.35
    flags = (S3 if s3 else 0) | (QUERY if presigned else 0)
    names = sorted({words(rnd, 6, least=1) for _ in range(rnd.choice((0, 0, 1, 2, 5, 12)))})
    rnd.shuffle(names)
    pairs = [(n, words(rnd, 9)) for n in names]
    if not presigned and rnd.random() < 0.3:  # botocore keeps one of a name when it presigns
        pairs += [(n, words(rnd, 3)) for n in names]
    headers = [["Host", "host-%d.example.com" % rnd.randrange(100)]]
    for name in rnd.sample(NAMES, rnd.randint(0, 6)):
        for _ in range(rnd.choice((1, 1, 1, 2, 3))):
            headers.append([name, words(rnd, 14, "abc  \t\"=;,/1")])
    rnd.shuffle(headers)
    body = words(rnd, 60) if rnd.random() < 0.6 else ""
    unsigned = s3 and (presigned or rnd.random() < 0.3)
    return {
        "method": rnd.choice(("GET", "PUT", "POST", "HEAD", "DELETE")),
        "path": path_of(rnd, s3),
        "query": "&".join(quoted(n) + "=" + quoted(v) for n, v in pairs) or None,
        "headers": headers,
        "body": body,
        "payload": "UNSIGNED-PAYLOAD" if unsigned else None,
        "region": rnd.choice(("us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1")),
        "service": "s3" if s3 else rnd.choice(("ec2", "ssm", "sts", "batch", "ebs")),
        "time": rnd.randrange(1_000_000_000, 4_000_000_000),
        "flags": flags,
        "expires": rnd.randint(1, 604800),
        "id": "AKIA" + words(rnd, 16, "ABCDEFGH234567", 16),
        "secret": words(rnd, 40, "abcXYZ0189+/", 40),
        "token": words(rnd, 400, "abcXYZ0189+/=", 1) if rnd.random() < 0.5 else None,
    }


def signer_of(base):
    class Recording(base):
        """Keeps what botocore signed."""

        def string_to_sign(self, request, canonical_request):
            self.canonical = canonical_request
            self.to_sign = super().string_to_sign(request, canonical_request)
            return self.to_sign

        def signature(self, string_to_sign, request):
            self.result = super().signature(string_to_sign, request)
            return self.result

    return Recording


def signed_by_botocore(r):
    s3, presigned = r["service"] == "s3", r["flags"] & QUERY
    base = {(False, False): botocore.auth.SigV4Auth, (False, True): botocore.auth.SigV4QueryAuth,
            (True, False): botocore.auth.S3SigV4Auth,
            (True, True): botocore.auth.S3SigV4QueryAuth}[s3, bool(presigned)]
    # Over http botocore always signs the body of S3.
    scheme = "https" if r["payload"] else "http"
    url = f"{scheme}://x.example.com" + r["path"] + ("?" + r["query"] if r["query"] else "")
    request = AWSRequest(method=r["method"], url=url, data=r["body"].encode())
    if presigned:  # botocore takes data as parameters of a form then
        request.data = b""
    for name, value in r["headers"]:
        request.headers.add_header(name, value)
    if r["payload"] and not presigned:
        request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    now = datetime.datetime.fromtimestamp(r["time"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: now
    args = [Credentials(r["id"], r["secret"], r["token"]), r["service"], r["region"]]
    signer = signer_of(base)(*args, **({"expires": r["expires"]} if presigned else {}))
    signer.add_auth(request)
    return {"canonical": signer.canonical, "to_sign": signer.to_sign, "signature": signer.result,
            "authorization": "" if presigned else "Authorization: " + request.headers["Authorization"]}


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)
    print("seed", seed)
    rnd = random.Random(seed)
    requests = [request_of(rnd) for _ in range(COUNT)]
    for r in requests:
        if r["flags"] & QUERY:
            r["body"] = ""
    ours = json.loads(subprocess.run([sys.argv[1]], input=json.dumps(requests).encode(), check=True,
                                     stdout=subprocess.PIPE).stdout)
    wrong = 0
    for number, (request, mine) in enumerate(zip(requests, ours, strict=True)):
        theirs = signed_by_botocore(request)
        for key, value in theirs.items():
            if mine[key] != value:
                wrong += 1
                print(f"request {number}, {key}: ours\n{mine[key]}\nbotocore\n{value}\n{request}")
                break
        if request["flags"] & QUERY and not mine["query"].endswith("&X-Amz-Signature=" + mine["signature"]):
            wrong += 1
            print(f"request {number}: the query does not end with its signature")
    print(f"{len(requests)} requests, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
