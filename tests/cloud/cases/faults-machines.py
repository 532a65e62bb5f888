# SPDX-License-Identifier: Apache-2.0
"""Machines that end, that are taken away or that are not what they say, while the controller builds."""

import witness
from controller import HANGS, HANGS_BUT_SAFE, Project, Running, changes, let_go, machines
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0, "blocked": "reset"}
TWO = "safe fast"


def terminated(lab, since):
    """The names in each call that ends some."""
    return [sorted(v for k, v in e["form"].items() if k.startswith("InstanceId."))
            for e in lab.log()[since:] if e["action"] == "TerminateInstances"]


def second_build(lab, build, first):
    """The worker that took over; it builds at once what is not done."""
    build.wait("worker 2: build hello")
    name, = set(machines(lab)) - {first}
    let_go(lab, name)
    return name


@case("one that is terminated while it starts: another is taken, not of that place")
def while_pending(lab):
    before = witness.everything()
    lab.tell(knobs={**CALM, "pending": 1})
    project = Project()
    build = Running(project)
    first = build.wait("worker 1: c").split()
    lab.client().terminate_instances(InstanceIds=[first[-1]])
    build.wait("terminated while it started")
    second = build.wait("worker 2: c").split()
    build.end()
    assert first[2:5] != second[2:5], (first, second)
    assert project.archives() and not changes(before) and not project.runs()


@case("one is lost in the middle of a build: what was built stays, the rest is built elsewhere")
def lost(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM)
    project = Project(flags=TWO, script=HANGS_BUT_SAFE)
    build = Running(project)
    build.wait("build hello_znver3 (fast)")
    first, = machines(lab)
    kept = project.dist / "safe/hello_znver3.tar.zst"
    written = kept.stat().st_mtime_ns
    lab.tell(lose=first)
    build.wait("worker 1: c", 2)
    second = second_build(lab, build, first)
    _, err = build.end()
    assert "the machine is lost" in err, err
    assert len(project.archives()) == 2 and kept.stat().st_mtime_ns == written
    assert err.count("build hello_znver3 (safe)") == 1, err
    assert sum(terminated(lab, since), []) == [first, second], terminated(lab, since)
    assert not changes(before) and not project.runs()


@case("a spot notice: it is left before it is taken away, and its place is not taken again")
def notice(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM)
    project = Project(script=HANGS)
    build = Running(project)
    place = build.wait("worker 1: c").split()
    build.wait("build hello")
    first, = machines(lab)
    lab.tell(notice={"id": first, "kind": "terminate", "in": 120})
    line = build.wait("will be taken away")
    assert '"action": "terminate"' in line, line
    second = second_build(lab, build, first)
    assert build.wait("worker 2: c").split()[2:5] != place[2:5]
    build.end()
    assert sum(terminated(lab, since), []) == [first, second]
    assert project.archives() and not changes(before) and not project.runs()


@case("one that AWS takes without a word")
def interrupted(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS)
    build = Running(project)
    build.wait("build hello")
    first, = machines(lab)
    lab.tell(interrupt=first)
    second_build(lab, build, first)
    build.end()
    assert project.archives() and not changes(before) and not project.runs()


@case("another host key is refused: kind remote, nobody has logged in")
def impostor(lab):
    before = witness.everything()
    lab.tell(knobs={**CALM, "deaf": 1})
    project = Project()
    build = Running(project)
    name = build.wait("worker 1: c").split()[-1]
    while machines(lab) != [name]:
        pass
    lab.tell(lie=name)
    out, err = build.end(6)
    assert "its host key is not the one that is known" in err and "failed" in out, (out, err)
    assert "worker 1: agent" not in err and "worker 2" not in err, err
    assert not changes(before) and not project.runs() and not project.archives()


@case("our address changes, and again: the gate follows, and the one before is shut out")
def address(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM)
    project = Project(caller=lab.url + "/checkip", script=HANGS)
    build = Running(project)
    build.wait("build hello")
    first, = machines(lab)
    lab.tell(knobs={"caller": "127.0.0.9"}, lose=first)
    build.wait("worker 2: c")
    lab.tell(knobs={"caller": None})
    second_build(lab, build, first)
    build.end()
    rules = [(e["action"][:6], e["form"]["IpPermissions.1.IpRanges.1.CidrIp"]) for e in lab.log()[since:]
             if e["action"].endswith("SecurityGroupIngress")]
    assert rules == [("Author", "127.0.0.1/32"), ("Author", "127.0.0.9/32"), ("Revoke", "127.0.0.1/32"),
                     ("Author", "127.0.0.1/32"), ("Revoke", "127.0.0.9/32")], rules
    assert project.archives() and not changes(before) and not project.runs()


finish()
