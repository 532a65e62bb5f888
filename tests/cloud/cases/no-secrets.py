# SPDX-License-Identifier: Apache-2.0
"""What the controller knows and nobody else is to read: it is in nothing that it prints, writes, sends
or gives its children; and it sends nothing in the clear."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import urllib.parse

from controller import Project, await_held
from lab import WORK, case, finish

ELSEWHERE = "http://192.0.2.1"  # RFC 5737
CONFIG = 3                      # exit code of what the user has set wrongly
PRIVATE = ("login", "host-")    # keys in the folder of a run
SHIM = """#!/bin/bash
{{ printf '%s\\n' "$@"; tr '\\0' '\\n' </proc/$$/environ; }} >>{seen}
exec {program} "$@"
"""


def lines_of(key):
    """The body of a private key; its first line is that of any unencrypted one."""
    return [line for line in key.splitlines() if line and not line.startswith("-----")][1:-1]


def keys_in(text):
    """The private keys that stand in it, indented or not."""
    plain = "\n".join(line.strip() for line in text.splitlines())
    return re.findall(r"-----BEGIN OPENSSH PRIVATE KEY-----\n.*?-----END OPENSSH PRIVATE KEY-----", plain, re.S)


def forms(text):
    """As it might be written."""
    return {text, urllib.parse.quote(text, safe=""), json.dumps(text)[1:-1], text[:40], text[-40:]}


def spies(folder):
    """A folder of programs that tell what they are called with, and where they tell it."""
    seen, path = folder / "seen", folder / "spies"
    path.mkdir()
    for name in ("ssh", "ssh-keygen"):
        (path / name).write_text(SHIM.format(seen=seen, program=shutil.which(name)), "ascii")
        (path / name).chmod(0o755)
    return path, seen


def session(lab):
    """Credentials that have a token."""
    made = lab.client("sts").get_session_token()["Credentials"]
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["SessionToken"]}


def read_state(project):
    """{path: text} of what is no private key, and the texts of those that are."""
    files, keys = {}, []
    for path in (project.state / "shared-prep").rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode == 0o700, (path, oct(mode))
        elif path.name.startswith(PRIVATE) and path.suffix != ".pub":
            assert mode == 0o600, (path, oct(mode))
            keys.append(path.read_text("ascii"))
        else:
            assert path.suffix == ".pub" or mode & 0o077 == 0, (path, oct(mode))
            files[str(path)] = path.read_text("utf-8")
    return files, keys


def check_wire(wire, account, login):
    """Each secret is sent in the one place that it is meant for. Returns the user data, and the host's key
    in it."""
    data = []
    for entry in wire:
        headers = "\n".join(": ".join(h) for h in entry["head"][1:]
                            if h[0].lower() != "x-amz-security-token")
        sent = f"{entry['head'][0]}\n{headers}\n{entry['body']}"
        form = dict(urllib.parse.parse_qsl(entry["body"]))
        if entry["action"] == "RunInstances" and "UserData" in form:
            data.append(form["UserData"])
        for secret in (account["AWS_SECRET_ACCESS_KEY"], account["AWS_SESSION_TOKEN"]):
            assert not any(f in sent for f in forms(secret)), (entry["action"], "a secret of the account")
    clear = [base64.b64decode(text).decode("ascii") for text in data]
    assert len(clear) == 1 and not any(line in clear[0] for line in lines_of(login)), "the key that logs in is sent"
    host = keys_in(clear[0].replace("\\n", "\n"))  # a double-quoted scalar of YAML
    assert len(host) == 1, len(host)
    return data, host[0]


def talk(project, account, path):
    """All that the commands print."""
    told = []
    more = {**account, "PATH": f"{path}:{os.environ['PATH']}"}
    for words in (["validate", str(project.folder)], ["plan", "--debug-http", str(project.folder)],
                  ["plan", "--policy", str(project.folder)], ["ls", "--cost", "--debug-http"],
                  ["ls", "--json"], ["gc", "--expired", "--dry-run", "--debug-http"]):
        told += project.run(*words, code=None, **more)
        assert project.code == 0, (words, told[-1])
    return told


@case("secrets stay where they belong")
def secrets(lab):
    project = Project(targets="x86-64-v2")
    path, seen = spies(project.folder)
    account = session(lab)
    lab.tell(record=True, faults=[{"action": "TerminateInstances", "hold": True}])
    printed = project.folder / "printed"
    process = project.start("build", "--debug-http", str(project.folder), **account,
                            wrap=("sh", "-c", f'exec "$@" 2>{printed}', "sh"),
                            PATH=f"{path}:{os.environ['PATH']}")
    await_held(lab, process)
    files, keys = read_state(project)
    lab.tell(release=True)
    told = [process.communicate(timeout=120)[0], printed.read_text("utf-8")]
    assert process.returncode == 0, told[1][-2000:]
    told += talk(project, account, path)
    for written in (*project.dist.rglob("*.log"), *project.dist.rglob("*.json"), seen):
        files[str(written)] = written.read_text("utf-8", "replace")
    assert len(keys) == 1 and lines_of(keys[0]), "the host's key is read and removed, that of the login is used"
    data, host = check_wire(json.loads(lab.urlopen("/lab/wire")), account, keys[0])
    keys.append(host)
    assert lines_of(host)
    hidden = {f for value in account.values() if value != account["AWS_ACCESS_KEY_ID"] for f in forms(value)}
    hidden |= {line for key in keys for line in lines_of(key)}
    hidden |= {f for text in data for f in (text[100:160], urllib.parse.quote(text[100:160], safe=""))}
    files["what was printed"] = "\n".join(told)
    assert "RunInstances" in files["what was printed"] and "-i" in files[str(seen)]
    for name, text in files.items():
        assert not any(secret in text for secret in hidden), (name, "has a secret")


@case("nothing is sent in the clear")
def in_the_clear(lab):
    project = Project()
    before = lab.tell()["requests"]
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"):
        for command in ("build", "plan"):
            _, err = project.run(command, str(project.folder), code=None, **{name: ELSEWHERE})
            assert project.code == CONFIG and "https://" in err, (name, command, project.code, err)
    for caller in (f"{ELSEWHERE}/", "http://localhost.example.com/", "http://127.0.0.1@192.0.2.1/"):
        _, err = Project(caller=caller).build(code=CONFIG)
        assert "caller_address" in err, err
    assert all(entry["action"] != "RunInstances" for entry in lab.log()[before:])


def make_ca(folder, name):
    """A certificate that signs itself, of this machine, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def lab_with_tls(cert, key):
    """Its address."""
    server = pathlib.Path(os.environ["TOP"], "tests/cloud/server")
    with subprocess.Popen([sys.executable, server, "--until-eof", "--folder", WORK, "--tls", f"{cert}:{key}", "--key",
                           f"{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        word, port = process.stdout.readline().split()
        assert word == "ready", word
        yield f"https://127.0.0.1:{port}"
        process.stdin.close()
        process.wait(60)


@case("TLS, and who is trusted")
def tls(_lab):
    project = Project()
    cert, key = make_ca(project.folder, "right")
    other, _ = make_ca(project.folder, "wrong")
    with lab_with_tls(cert, key) as url:
        _, err = project.build(code=None, AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(other))
        assert project.code != 0 and "certificate" in err.lower(), (project.code, err)
        assert not project.archives()
        project.build(AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(cert))
        assert len(project.archives()) == 1


finish()
