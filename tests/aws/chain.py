#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random environments and profiles: we and botocore find the same key by the same provider, or
neither finds any.

    chain.py PROGRAM FOLDER SEED

PROGRAM is tests/aws/ask, FOLDER takes the files. STS is moto, the container's service a server here.
"""

import http.server
import json
import logging
import os
import pathlib
import random
import subprocess
import sys
import threading

import botocore.exceptions
import botocore.session
from moto.server import ThreadedMotoServer

COUNT = 150
PROVIDERS = {"env": "environment", "assume-role": "role", "assume-role-with-web-identity": "web identity",
             "shared-credentials-file": "credentials file", "custom-process": "credential_process",
             "config-file": "config file", "container-role": "container"}
NAMES = ("default", "a", "b", "c d")
KEPT = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LC_ALL")


class Container(http.server.BaseHTTPRequestHandler):
    """Credentials for whoever brings the token."""

    def do_GET(self):  # pylint: disable=invalid-name
        good = self.headers["Authorization"] == "let me in"
        body = json.dumps({"AccessKeyId": "AKCONT", "SecretAccessKey": "s", "Token": "t",
                           "Expiration": "2040-01-01T00:00:00Z"}).encode() if good else b"{}"
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Not on standard error."""


def keys(rnd, name, file, half=0.08):
    lines = [f"aws_access_key_id = AK{file}{name.replace(' ', '')}", "aws_secret_access_key = s"]
    if rnd.random() < half:
        lines.pop(rnd.randrange(2))
    if rnd.random() < 0.3:
        lines.append("aws_session_token = t")
    return lines


def process(rnd, folder, name):
    answer = {"Version": 1, "AccessKeyId": "AKPROC" + name.replace(" ", ""), "SecretAccessKey": "s"}
    if rnd.random() < 0.4:
        answer |= {"SessionToken": "t", "Expiration": "2040-01-01T00:00:00+01:00"}
    if rnd.random() < 0.1:
        answer["Version"] = rnd.choice((2, "1", None))
    if rnd.random() < 0.1:
        del answer["AccessKeyId"]
    path = folder / ("process." + name.replace(" ", ""))
    path.write_text(json.dumps(answer), encoding="ascii")
    return [f"credential_process = {rnd.choice(('cat', 'cat', 'cat', 'false'))} '{path}'"]


def role(rnd, name):
    lines = [f"role_arn = arn:aws:iam::123456789012:role/r{len(name)}"]
    if rnd.random() < 0.85:
        lines.append("source_profile = " + rnd.choice((*NAMES, name, "nowhere")))
    if rnd.random() < 0.2:
        lines.append("credential_source = " + rnd.choice(("Environment", "EcsContainer", "Moon")))
    if rnd.random() < 0.3:
        lines.append("role_session_name = me")
    if rnd.random() < 0.3:
        lines.append("external_id = 42")
    if rnd.random() < 0.3:
        lines.append("duration_seconds = " + rnd.choice(("900", "x")))
    return lines


def section(rnd, folder, name):
    lines = ["region = us-east-1"]
    if rnd.random() < 0.35:
        lines += keys(rnd, name, "CONF")
    if rnd.random() < 0.25:
        lines += process(rnd, folder, name)
    if rnd.random() < 0.45:
        lines += role(rnd, name)
    if rnd.random() < 0.1:
        lines.append(f"web_identity_token_file = {folder / 'token'}")
    return lines


def case_of(rnd, folder, urls):
    """The files are written; the environment is returned."""
    config = [line for name in NAMES for line in
              ("[default]" if name == "default" else f"[profile '{name}']", *section(rnd, folder, name), "")]
    credentials = [line for name in NAMES if rnd.random() < 0.3 for line in (f"[{name}]", *keys(rnd, name, "FILE"))]
    (folder / "config").write_text("\n".join(config), encoding="ascii")
    (folder / "credentials").write_text("\n".join(credentials), encoding="ascii")
    (folder / "token").write_text("token", encoding="ascii")
    env = {"HOME": str(folder), "AWS_CONFIG_FILE": str(folder / "config"), "AWS_EC2_METADATA_DISABLED": "true",
           "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "AWS_DEFAULT_REGION": "us-east-1",
           "AWS_ENDPOINT_URL_STS": urls["sts"]}
    if rnd.random() < 0.6:
        env["AWS_PROFILE"] = rnd.choice(NAMES)
    if rnd.random() < 0.2:
        env |= {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}
        if rnd.random() < 0.2:
            del env["AWS_SECRET_ACCESS_KEY"]
    if rnd.random() < 0.2:
        env |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": urls["container"],
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": rnd.choice(("let me in", "let me in", "no"))}
    if rnd.random() < 0.12:
        env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(folder / rnd.choice(("token", "token", "absent")))
        if rnd.random() < 0.8:
            env["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/web"
    return env


def by_botocore(env):
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update({k: v for k, v in kept.items() if k in KEPT} | env)
    try:
        found = botocore.session.Session().get_credentials()
        if found is None:
            return None
        frozen = found.get_frozen_credentials()
        return frozen.access_key, PROVIDERS[found.method], frozen.token is not None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
        return None
    finally:
        os.environ.clear()
        os.environ.update(kept)


def by_us(program, env):
    base = {k: v for k, v in os.environ.items() if k in KEPT}
    done = subprocess.run([program, "credentials"], env=base | env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found = json.loads(done.stdout)
        return (found["id"], found["provider"], found["token"]), ""
    return None, f"{done.returncode}: {done.stderr}"


def same(ours, theirs):
    if ours is None or theirs is None:
        return ours is theirs
    # moto makes a new key each time.
    new = ours[0].startswith("ASIA") and theirs[0].startswith("ASIA")
    return ours[1:] == theirs[1:] and (new or ours[0] == theirs[0])


def main():
    program, folder, seed = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    print("seed", seed)
    rnd = random.Random(seed)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    container = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Container)
    threading.Thread(target=container.serve_forever, daemon=True).start()
    urls = {"sts": "http://%s:%d" % moto.get_host_and_port(),
            "container": "http://127.0.0.1:%d/x" % container.server_address[1]}
    wrong, seen = 0, {}
    for number in range(COUNT):
        env = case_of(rnd, folder, urls)
        theirs = by_botocore(env)
        ours, message = by_us(program, env)
        seen[theirs and theirs[1]] = seen.get(theirs and theirs[1], 0) + 1
        if not same(ours, theirs) or message.count("\n") > 1:
            wrong += 1
            print(f"{number}: ours {ours} {message}, botocore {theirs}\n{env}\n{(folder / 'config').read_text()}\n"
                  f"{(folder / 'credentials').read_text()}")
    moto.stop()
    container.shutdown()
    print(f"{COUNT} chains ({seen}), {wrong} differ")
    return 1 if wrong or len(seen) < len(PROVIDERS) else 0


if __name__ == "__main__":
    sys.exit(main())
