#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls against moto, which checks the signature of all but the first few.

    calls.py PROGRAM FOLDER

PROGRAM is tests/aws/ask, FOLDER takes the files.
"""

import json
import os
import pathlib
import subprocess
import sys

FREE = 6  # calls that moto takes unchecked: those that make the user and the role
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(FREE)

import botocore.session  # noqa: E402 pylint: disable=wrong-import-position
from moto.server import ThreadedMotoServer  # noqa: E402 pylint: disable=wrong-import-position

ALLOW = json.dumps({"Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})


class Failed(Exception):
    """What is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Bench:
    """The server, a user of it, and our program."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.url = "http://%s:%d" % self.server.get_host_and_port()
        iam = self.client("iam", "x", "x")
        iam.create_user(UserName="u")
        key = iam.create_access_key(UserName="u")["AccessKey"]
        self.id, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=ALLOW)
        self.role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW)
        iam.get_user(UserName="u")

    def client(self, service, identity, secret):
        return botocore.session.Session().create_client(
            service, region_name="us-east-1", endpoint_url=self.url, aws_access_key_id=identity,
            aws_secret_access_key=secret)

    def ask(self, what, code=0, **env):
        """What it prints; its message where it is to end with another code."""
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}
        done = subprocess.run([self.program, what], env=base | env, capture_output=True, text=True, check=False)
        expect(done.returncode == code, f"{what}: status {done.returncode}: {done.stderr}")
        for secret in (self.secret, self.secret[:-1] + "X"):
            expect(secret not in done.stdout + done.stderr, f"{what}: a secret is printed")
        return json.loads(done.stdout) if code == 0 else done.stderr

    def keys(self, secret=None):
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": secret or self.secret}


def check_user(bench):
    who = bench.ask("identity", **bench.keys())
    expect(who["arn"].endswith(":user/u") and who["provider"] == "environment", who)
    found = bench.ask("regions", **bench.keys())
    known = bench.client("ec2", bench.id, bench.secret).describe_regions()["Regions"]
    expect(sorted(found) == sorted(r["RegionName"] for r in known) and len(found) > 10, found)


def check_role(bench):
    (bench.folder / ".aws").mkdir(exist_ok=True)
    (bench.folder / ".aws/credentials").write_text(
        f"[base]\naws_access_key_id = {bench.id}\naws_secret_access_key = {bench.secret}\n", encoding="ascii")
    (bench.folder / ".aws/config").write_text(
        f"[profile job]\nrole_arn = {bench.role}\nsource_profile = base\nrole_session_name = me\n", encoding="ascii")
    who = bench.ask("identity", AWS_PROFILE="job")
    expect(who["arn"].endswith(":assumed-role/r/me") and who["provider"] == "role", who)
    expect(len(bench.ask("regions", AWS_PROFILE="job")) > 10, "no regions for the role")


def check_refused(bench):
    wrong = bench.keys(bench.secret[:-1] + "X")
    expect("SignatureDoesNotMatch" in bench.ask("identity", 3, **wrong), "a wrong secret")
    expect("AuthFailure" in bench.ask("regions", 3, **wrong), "a wrong secret for ec2")
    unknown = {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "x"}
    expect("InvalidClientTokenId" in bench.ask("identity", 3, **unknown), "an unknown key")
    expect("no credentials" in bench.ask("identity", 3), "no credentials")


def check_page(bench):
    """What moto does not know it answers with a page of HTML and status 500."""
    said = bench.ask("DescribeNothingAtAll", 5, **bench.keys())
    expect("status 500" in said and said.count("\n") == 1, said)


def main():
    folder = pathlib.Path(sys.argv[2])
    bench = Bench(sys.argv[1], folder)
    try:
        for case in (check_user, check_role, check_refused, check_page):
            case(bench)
            print(case.__name__)
    except Failed as problem:
        print("failed:", problem)
        return 1
    finally:
        bench.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
