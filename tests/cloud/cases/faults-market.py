# SPDX-License-Identifier: Apache-2.0
"""Where the controller goes when there is no capacity: another zone, a sibling type, on demand under
max_price=, or it says so."""

import witness
from controller import Project, changes
from lab import case, finish

CALM = {"pending": 0, "shutting_down": 0}
OTHER = """
[app other]
source=hello
script=build
targets=znver3
flags=safe
level=3
"""
FEW = """
[target znver3]
types=c6a.xlarge c7a.xlarge
"""


def asked(lab, since):
    """[(type, zone, market)] of what was made or refused, in order."""
    zones = {s["SubnetId"]: s["AvailabilityZone"] for s in lab.client().describe_subnets()["Subnets"]}
    return [(e["form"]["InstanceType"], zones[e["form"]["NetworkInterface.1.SubnetId"]],
             "spot" if "InstanceMarketOptions.MarketType" in e["form"] else "on-demand", e["status"])
            for e in lab.log()[since:] if e["action"] == "RunInstances"]


def build(lab, shortages, code=0, **project):
    """(project, what was asked for, standard output and error)"""
    before, since = witness.everything(), lab.tell()["requests"]
    lab.tell(knobs={**CALM, "shortages": shortages})
    project = Project(**project)
    out, err = project.build(code=code)
    assert not changes(before), changes(before)
    return project, asked(lab, since), out + err


@case("the next zone, which all workers of the run then begin with")
def zone(lab):
    project, tried, _ = build(lab, [{"zone": "us-east-1a"}], app=OTHER)
    short = [t for t in tried if t[1] == "us-east-1a"]
    good = [t for t in tried if t[3] == 200]
    assert len(short) == len(set(short)) >= 1 and len(good) == 2, tried
    assert all(t[2] == "spot" and t[1] != "us-east-1a" for t in good), tried
    assert len(project.archives()) == 2


@case("a sibling type, where the cheapest is short everywhere")
def sibling(lab):
    _, tried, _ = build(lab, [])
    cheapest = tried[0][0]
    _, tried, _ = build(lab, [{"type": cheapest}])
    assert tried[-1][0] != cheapest and tried[-1][2:] == ("spot", 200), tried
    assert len(tried) == len(set(tried)), tried


@case("on demand, where the spot market is short, and only under max_price=")
def on_demand(lab):
    spot_is_short = [{"market": "spot"}]
    project, tried, _ = build(lab, spot_is_short, aws="max_price=1", app=FEW)
    assert tried[-1][2:] == ("on-demand", 200) and all(t[2] == "spot" for t in tried[:-1]), tried
    assert project.report()["cost_usd"] > 0
    _, tried, said = build(lab, spot_is_short, code=5, aws="max_price=0.1", app=FEW)
    assert tried and all(t[2] == "spot" for t in tried), tried
    assert "no capacity for 'znver3'" in said and "max_price=" in said, said
    _, tried, said = build(lab, [], code=3, aws="max_price=0.0001")
    assert not tried and "max_price=" in said, (tried, said)


@case("nowhere: each place is asked once, and it says what may help")
def nowhere(lab):
    project, tried, said = build(lab, [{}], code=5, app=OTHER + FEW)
    assert len(tried) == len(set(tried)) > 2, tried
    assert {t[2] for t in tried} == {"spot", "on-demand"}
    assert "no capacity for 'znver3' in any of" in said and "try later, or widen market=" in said, said
    assert not project.archives() and not project.runs()


finish()
