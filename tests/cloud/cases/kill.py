# SPDX-License-Identifier: Apache-2.0
"""The controller is killed at each of its requests, before and after the work is done: gc leaves the
account as it was."""

import witness
from controller import Project, changes, killed_at
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0}
# One type: what is asked of each is asked once.
TARGET = """
[target znver3]
types=c6a.xlarge
"""


def kill_at_each(lab, when):
    """How many requests there were."""
    before = witness.everything()
    number, killed = 0, True
    while killed:
        number += 1
        lab.tell(knobs=CALM)
        project = Project(app=TARGET)
        killed = killed_at(lab, project, number, when)
        project.collect()
        left = changes(before)
        assert not left, (number, when, lab.log()[-1]["action"], left)
        assert not project.runs(), (number, when, project.runs())
    return number - 1


@case("build, killed before each request")
def before(lab):
    assert kill_at_each(lab, "before") >= 15


@case("build, killed after each request")
def after(lab):
    assert kill_at_each(lab, "after") >= 15


finish()
