# SPDX-License-Identifier: Apache-2.0
"""bake is killed after each request that changes something, its answer lost: gc leaves the account as it
was, or with images that are whole and kept. CLOUD_FULL=1: before and after each of all its requests.
What retire leaves is in retire.py."""

import os

import witness
from baking import CALM, FAR, TARGET, changing, check_whole, forget
from controller import Baking, changes, killed_at, killed_at_action
from lab import case, finish

WORDS = ("bake", "-q")
CREATES = ("CreateSnapshot", "RegisterImage", "CopyImage")


def new_project(lab):
    project = Baking(lab, f"regions={FAR}\n" + TARGET)
    lab.tell(knobs=CALM)
    return project, witness.everything()


def collect(lab, project, before, where):
    """What gc leaves; how many images. A copy alone is seen by retire."""
    project.collect()
    assert not project.runs(), (where, project.runs())
    images = check_whole(before, where)
    if images == 1:
        project.run("retire", "--project", str(project.folder), "--keep=1")
        assert not changes(before), (where, changes(before))
    forget(lab)
    return images


def requests_of(lab):
    """[(action, how many of it were before)] of those that change something, in a bake that ends."""
    project, before = new_project(lab)
    since = lab.tell()["requests"]
    project.bake("-q")
    actions = changing(lab, since)
    assert collect(lab, project, before, "whole") == 2
    return [(action, actions[:at].count(action)) for at, action in enumerate(actions)]


def check_noted(lab, project, action):
    """The token of the last request is in the journal, if it has one: the answer has not been seen."""
    form = [e["form"] for e in lab.log() if e["action"] == action][-1]
    token = [form[key.removesuffix("Key") + "Value"] for key, value in form.items() if value == "shared-prep:token"]
    journal, = project.state.glob("shared-prep/*/journal")
    assert all(t in journal.read_text("ascii") for t in token), (action, token)
    return bool(token)


def kill_after(lab, action, skip):
    """Images that gc leaves."""
    project, before = new_project(lab)
    killed_at_action(lab, project, WORDS, action, skip)
    assert check_noted(lab, project, action) or action not in CREATES, action
    return collect(lab, project, before, (action, skip))


@case("killed after each request that changes something")
def each(lab):
    requests = requests_of(lab)
    assert len(requests) >= 12, requests
    images = [kill_after(lab, *request) for request in requests]
    # Nothing is kept before the first tag that says so, all is from the last one on.
    tagged = [at for at, (action, _) in enumerate(requests) if action == "CreateTags"]
    assert not any(images[:tagged[0]]) and all(n == 2 for n in images[tagged[-1]:]), (requests, images)
    assert 1 in images, (requests, images)


def every(lab, when):
    """How many requests there were."""
    number, killed = 0, True
    while killed:
        number += 1
        project, before = new_project(lab)
        killed = killed_at(lab, project, number, when, WORDS)
        collect(lab, project, before, (number, when))
    return number - 1


if os.environ.get("CLOUD_FULL"):
    @case("killed before each request")
    def before_each(lab):
        assert every(lab, "before") >= 30

    @case("killed after each request")
    def after_each(lab):
        assert every(lab, "after") >= 30


finish()
