# SPDX-License-Identifier: Apache-2.0
"""The controller where AWS answers badly, late or not at all: what may help is tried again, the rest is
told in one line, and nothing is left."""

import witness
from controller import HANGS, Project, Running, changes, let_go
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0}
ACTIONS = {"DescribeSubnets", "DescribeInstanceTypes", "DescribeInstanceTypeOfferings",
           "DescribeSpotPriceHistory", "GetProducts", "GetParameter", "DescribeImages",
           "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances", "DescribeInstances",
           "TerminateInstances", "DescribeVolumes", "DescribeSnapshots", "DescribeSecurityGroups",
           "DeleteSecurityGroup"}


def actions(lab, since):
    return [entry["action"] for entry in lab.log()[since:]]


def made(lab, since):
    """How many instances were really made: several answers for one client token are one."""
    return sum(entry["action"] == "RunInstances" and entry["status"] == 200 and not entry["flaw"]
               for entry in lab.log()[since:])


def last_line(err):
    return err.splitlines()[-1]


@case("the first answer to every action is a fault: it is asked again, one of each is made")
def once(lab):
    for fault in ({"kind": "throttle"}, {"kind": "html"}, {"truncate": True},
                  {"drop": True, "when": "before"}, {"drop": True, "when": "after"}):
        before, since = witness.everything(), lab.tell()["requests"]
        lab.tell(knobs=CALM, faults=[{"action": action, **fault} for action in sorted(ACTIONS)])
        project = Project()
        project.build()
        assert ACTIONS <= set(actions(lab, since)), ACTIONS - set(actions(lab, since))
        assert lab.tell()["faults_left"] == [0] * len(ACTIONS), (fault, lab.tell()["faults_left"])
        left = changes(before)
        assert not left and not project.runs(), (fault, left)
        assert made(lab, since) == 1, (fault, made(lab, since))


@case("what is new is not found at first: it is waited for")
def unseen(lab):
    before = witness.everything()
    lab.tell(knobs={**CALM, "unseen": 2, "pending": 1})
    project = Project()
    project.build()
    assert not changes(before) and project.archives()


@case("a quota ends it: one request, no other zone is tried")
def quota(lab):
    for kind, code in (("quota", "VcpuLimitExceeded"), ("denied", "UnauthorizedOperation")):
        before, since = witness.everything(), lab.tell()["requests"]
        lab.tell(knobs=CALM, faults=[{"action": "RunInstances", "kind": kind, "times": 0}])
        project = Project()
        out, err = project.build(code=6)
        assert actions(lab, since).count("RunInstances") == 1, actions(lab, since)
        assert code in out and code in last_line(err), (out, err)
        assert not changes(before) and not project.runs(), changes(before)


@case("an action that is throttled without end is told, and nothing is left")
def throttled(lab):
    before = witness.everything()
    lab.tell(knobs=CALM, faults=[{"action": "DescribeSubnets", "kind": "throttle", "times": 0}])
    project = Project()
    _, err = project.build(code=5)
    assert "RequestLimitExceeded" in last_line(err), err
    lab.tell(faults=[{"action": "AuthorizeSecurityGroupIngress", "kind": "throttle", "times": 6}])
    project = Project()
    _, err = project.build()
    assert "RequestLimitExceeded" in err, err
    assert not changes(before) and project.archives(), err


@case("credentials that expire meanwhile cost no build; what they could not remove gc does")
def expired(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS)
    build = Running(project)
    build.wait(": build hello")
    lab.tell(faults=[{"kind": "expired", "times": 0}])
    lab.tell()
    name = next(iter(lab.tell()["workers"]))
    let_go(lab, name)
    _, err = build.end(code=5)
    assert project.archives() and "RequestExpired" in err and f"controller gc --run {project.runs()[0]}" in err, err
    lab.tell(faults=[])
    assert lab.state(name) == "running"
    project.collect()
    assert not changes(before) and not project.runs()


@case("every request is answered only the second time: whatever k, nothing is made twice")
def dropped(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM, faults=[{"nth": since + k, "drop": True, "when": "after"} for k in range(1, 200, 2)])
    project = Project()
    project.build()
    assert made(lab, since) == 1 and not changes(before) and not project.runs()


finish()
