# SPDX-License-Identifier: Apache-2.0
"""The lab itself: faults on demand."""

import signal
import subprocess
import sys
import threading

import boto3
import botocore.config
import botocore.exceptions
import botocore.parsers
from lab import case, finish

ASK = "import boto3; boto3.client('ec2').create_security_group(GroupName='{}', Description='x')"


def code_of(function, **arguments):
    try:
        function(**arguments)
    except botocore.exceptions.ClientError as problem:
        return problem.response["ResponseMetadata"]["HTTPStatusCode"], problem.response["Error"]["Code"]
    return None


def groups(lab):
    return {g["GroupName"] for g in lab.client().describe_security_groups()["SecurityGroups"]} - {"default"}


@case("kinds, in the form of each protocol")
def kinds(lab):
    ec2, ssm = lab.client(), lab.client("ssm")
    lab.tell(faults=[{"kind": "throttle", "times": 2}])
    assert code_of(ec2.describe_vpcs) == (503, "RequestLimitExceeded")
    assert code_of(ssm.describe_parameters) == (503, "ThrottlingException")
    assert code_of(ec2.describe_vpcs) is None
    for kind, status, code in (("capacity", 500, "InsufficientInstanceCapacity"),
                               ("quota", 400, "VcpuLimitExceeded"), ("expired", 400, "RequestExpired"),
                               ("denied", 403, "UnauthorizedOperation")):
        lab.tell(faults=[{"kind": kind}])
        assert code_of(ec2.describe_vpcs) == (status, code), kind
    lab.tell(faults=[{"kind": "html"}])
    try:
        ec2.describe_vpcs()
        raise AssertionError("it is no page")
    except botocore.parsers.ResponseParserError as problem:
        assert "<!doctype html>" in str(problem)


@case("they hit by action, field, skip and number")
def matching(lab):
    ec2 = lab.client()
    lab.tell(faults=[{"action": "DescribeV*", "skip": 1, "times": 0, "kind": "internal"}])
    assert [code_of(ec2.describe_vpcs) is None for _ in range(3)] == [True, False, False]
    assert code_of(ec2.describe_subnets) is None
    lab.tell(faults=[{"where": {"GroupId": "sg-*", "DryRun": None}, "kind": "internal"}])
    assert code_of(ec2.delete_security_group, GroupId="sg-0123456789abcdef0", DryRun=True) != (
        500, "InternalError")
    assert code_of(ec2.delete_security_group, GroupId="sg-0123456789abcdef0") == (500, "InternalError")
    number = lab.tell()["requests"] + 2
    lab.tell(faults=[{"nth": number, "status": 418, "code": "Tea"}])
    assert [code_of(ec2.describe_vpcs) for _ in range(3)] == [None, (418, "Tea"), None]
    for bad in ({"kind": "none"}, {"wher": {}}):
        try:
            lab.tell(faults=[bad])
        except ValueError:
            continue
        raise AssertionError(f"{bad} is taken")


@case("answers are dropped before or after the work, or cut")
def drops(lab):
    ec2 = boto3.client("ec2", config=botocore.config.Config(retries={"total_max_attempts": 1}))
    for when, made in (("before", set()), ("after", {"after"})):
        lab.tell(faults=[{"drop": True, "when": when}])
        try:
            ec2.create_security_group(GroupName=when, Description="x")
            raise AssertionError("there is an answer")
        except botocore.exceptions.ConnectionClosedError:
            pass
        assert groups(lab) == made, when
    lab.tell(faults=[{"truncate": True}])
    try:
        ec2.describe_security_groups()
        raise AssertionError("it is whole")
    except (botocore.exceptions.HTTPClientError, botocore.exceptions.ResponseStreamingError):
        pass
    assert code_of(ec2.delete_security_group, GroupName="after") is None


@case("the caller is killed before or after its k-th request")
def kills(lab):
    for when, made in (("before", set()), ("after", {"after"})):
        child = subprocess.Popen([sys.executable, "-c", "input(); " + ASK.format(when)],
                                 stdin=subprocess.PIPE, text=True)
        lab.tell(faults=[{"nth": lab.tell()["requests"] + 1, "kill": child.pid, "when": when}])
        child.communicate("go\n", timeout=60)
        assert child.returncode == -signal.SIGKILL, child.returncode
        assert groups(lab) == made, when
    lab.client().delete_security_group(GroupName="after")


@case("a request is announced and held until it is released")
def holds(lab):
    before = lab.tell()["requests"]
    lab.tell(faults=[{"action": "DescribeVpcs", "hold": True}])
    thread = threading.Thread(target=lab.client().describe_vpcs)
    thread.start()
    assert lab.tell(wait={"held": 1})["requests"] == before + 1
    assert thread.is_alive() and code_of(lab.client().describe_subnets) is None
    lab.tell(release=True)
    thread.join(20)
    assert not thread.is_alive()


@case("the log has the time, action and status of each request")
def log(lab):
    before = lab.tell(faults=[{"skip": 1, "kind": "throttle"}])
    for _ in range(2):
        code_of(lab.client().describe_vpcs)
    entries, number = lab.log()[-2:], before["requests"]
    assert [(e["number"] - number, e["action"], e["status"]) for e in entries] == [
        (1, "DescribeVpcs", 200), (2, "DescribeVpcs", 503)], entries
    assert 0 <= entries[1]["time"] - entries[0]["time"] < 60
    assert lab.tell()["counts"]["DescribeVpcs"] == before["counts"].get("DescribeVpcs", 0) + 2


finish()
