# SPDX-License-Identifier: Apache-2.0
"""The controller is interrupted or killed: what is left, who removes it, and what goes on."""

import shlex
import signal
import subprocess

import witness
from controller import HANGS, HANGS_BUT_SAFE, Project, Running, changes, let_go, machines
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0}
HELD = ("DescribeSubnets", "CreateSecurityGroup", "RunInstances", "DescribeInstances")


def count(lab, since, action):
    return sum(e["action"] == action for e in lab.log()[since:])


@case("Ctrl-C in any phase of the start: exit code 5, nothing is left")
def interrupted_early(lab):
    for action in HELD:
        before = witness.everything()
        lab.tell(knobs=CALM, faults=[{"action": action, "hold": True}])
        project = Project()
        build = Running(project)
        lab.tell(wait={"held": 1, "seconds": 60})
        build.interrupt()
        lab.tell(release=True)
        out, err = build.end(5)
        assert err.splitlines()[-1].endswith("interrupted") and "not built" in out, (action, out, err)
        left = changes(before)
        assert not left and not project.runs(), (action, left, err)


@case("Ctrl-C while workers build: all are terminated in one call")
def interrupted(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs=CALM)
    project = Project(targets="znver3 znver2 x86-64-v2", script=HANGS)
    build = Running(project)
    build.wait(": build hello", 3)
    assert len(machines(lab)) == 3
    build.interrupt()
    _, err = build.end(5)
    assert "then 'controller gc --run" in err, err
    assert count(lab, since, "TerminateInstances") == 1
    assert not changes(before) and not project.runs()


@case("the second Ctrl-C ends it at once; ls shows what is left, gc removes it and nothing else")
def interrupted_twice(lab):
    before = witness.everything()
    stranger = lab.machine()
    with_stranger = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS)
    build = Running(project)
    build.wait(": build hello")
    lab.tell(faults=[{"action": "TerminateInstances", "hold": True}])
    build.interrupt()
    lab.tell(wait={"held": 1, "seconds": 60})
    build.interrupt()
    _, err = build.end(-signal.SIGINT)
    run, = project.runs()
    assert f"controller gc --run {run}" in err, err
    lab.tell(faults=[])
    out, _ = project.run("ls", "--cost")
    assert f"run\t{run}\tended\thello" in out and "all together\t$" in out and "/h" in out, out
    assert stranger.name not in out, out
    out, _ = project.run("gc", "--run", run, "--dry-run")
    assert "instance\t" in out and "group\t" in out and stranger.name not in out, out
    elsewhere = Project()
    elsewhere.run("gc", "--expired", "--settle=0")
    assert changes(with_stranger), "it has not expired"
    elsewhere.run("gc", "--run", run, "--settle=0")
    assert not changes(with_stranger), changes(with_stranger)
    lab.clear(stranger.group)
    assert not changes(before)


@case("killed, and resumed: what was built is not built again")
def resumed(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(flags="safe fast", script=HANGS_BUT_SAFE)
    build = Running(project)
    build.wait("build hello_znver3 (fast)")
    first, = machines(lab)
    build.process.kill()
    build.end(-signal.SIGKILL)
    run, = project.runs()
    again = Running(project, "--resume", run)
    again.wait("build hello_znver3 (fast)")
    second, = machines(lab)
    assert first != second
    let_go(lab, second)
    _, err = again.end()
    assert "build hello_znver3 (safe)" not in err, err
    assert len(project.archives()) == 2 and not changes(before) and not project.runs()


@case("--keep leaves the instance of a build that failed, with a way in; gc removes it")
def kept(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script="#!/bin/sh\necho trouble >&2\nexit 3\n")
    out, err = project.build("--keep", code=4)
    line, = [line for line in err.splitlines() if " is kept: ssh " in line]
    words = shlex.split(line.partition(" is kept: ")[2])
    said = subprocess.run([*words, "cat /run/shared-prep-test-worker"], capture_output=True, text=True,
                          check=True, stdin=subprocess.DEVNULL, timeout=60).stdout
    name, = machines(lab)
    assert said == name + "\n" and "trouble" in out, (said, out)
    run, = project.runs()
    assert f"controller gc --run {run}" in err, err
    project.collect()
    assert not changes(before) and not project.runs()


@case("max_cost= ends the run")
def too_dear(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS, aws="max_cost=0.00002")
    _, err = project.build(code=3)
    assert "max_cost= allows" in err.splitlines()[-1], err
    assert not changes(before) and not project.runs()


@case("without its controller a worker ends by itself, when its lifetime is over")
def switch(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS, aws="lifetime=10min")
    build = Running(project)
    build.wait(": build hello")
    name, = machines(lab)
    report = lab.tell()["workers"][name]
    assert report["asked"][-1].endswith("start shared-prep-lifetime.timer"), report
    assert 540 < report["off_in"] <= 600, report
    build.process.kill()
    build.end(-signal.SIGKILL)
    lab.tell(elapse={"id": name, "minutes": 9})
    assert lab.state(name) == "running"
    lab.tell(elapse={"id": name, "minutes": 2})
    while lab.state(name) == "shutting-down":
        pass
    assert lab.state(name) == "terminated"
    project.run("gc", "--expired", "--settle=0")
    assert not changes(before)


@case("with its controller it lives on: it is armed again")
def armed(lab):
    before = witness.everything()
    lab.tell(knobs=CALM)
    project = Project(script=HANGS, aws="lifetime=1min")
    lab.tell(faults=[{"action": "CreateTags", "kind": "denied", "times": 0}])
    build = Running(project)
    build.wait(": build hello")
    name, = machines(lab)
    report = lab.tell()
    while "restart" not in report["workers"][name]["asked"][-1] or "CreateTags" not in report["counts"]:
        assert build.process.poll() is None
        report = lab.tell(wait={"requests": 1})
    let_go(lab, name)
    build.end()
    assert project.archives() and not changes(before)


finish()
