# SPDX-License-Identifier: Apache-2.0
"""Images that are retired: which, unless somebody uses them, and nothing by half."""

import json
import os

from baking import changing
from controller import Project, killed_at, killed_at_action
from lab import case, finish

SECOND = "us-west-2"
THIRD = "eu-west-1"


def tags_of(project, keep=True, **more):
    tags = {"shared-prep:run": "0" * 8 + "-baked", "shared-prep:project": project, **({"shared-prep:keep": "yes"} if keep else {})}
    return [{"Key": k, "Value": v} for k, v in (tags | more).items()]


def bake(lab, name, project="hello", arch="x86_64", region=None, **more):
    """(id of an image, id of its snapshot), as a bake would leave them."""
    ec2 = lab.client(**({"region_name": region} if region else {}))
    tags = tags_of(project, **more)
    volume = ec2.create_volume(AvailabilityZone=(region or "us-east-1") + "a", Size=1)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=[
        {"ResourceType": "snapshot", "Tags": tags}])["SnapshotId"]
    lab.settle(snapshot=snapshot, region=region)
    ec2.delete_volume(VolumeId=volume)
    image = ec2.register_image(
        Name=name, RootDeviceName="/dev/xvda", Architecture=arch, VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
        TagSpecifications=[{"ResourceType": "image", "Tags": tags}])["ImageId"]
    return image, snapshot


def there(lab, region=None):
    """Images and snapshots of ours."""
    ec2 = lab.client(**({"region_name": region} if region else {}))
    return {i["ImageId"] for i in ec2.describe_images(Owners=["self"])["Images"]} | {
        s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}


def clear(lab, *regions):
    for region in (None, *regions):
        ec2 = lab.client(**({"region_name": region} if region else {}))
        for template in ec2.describe_launch_templates()["LaunchTemplates"]:
            ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            ec2.deregister_image(ImageId=image["ImageId"])
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


def template(lab, image, region=None):
    ec2 = lab.client(**({"region_name": region} if region else {}))
    return ec2.create_launch_template(LaunchTemplateName="test", LaunchTemplateData={
        "ImageId": image, "InstanceType": "c6a.large"})["LaunchTemplate"]["LaunchTemplateId"]


def retire(project, *words, **more):
    return project.run("retire", "--project", str(project.folder), *words, **more)


@case("the newest of each architecture stay")
def keep(lab):
    project = Project()
    old = [bake(lab, f"hello-{n}") for n in range(2)]
    arm = bake(lab, "hello-arm", arch="arm64")
    new = bake(lab, "hello-2")
    others = [bake(lab, "other", project="other"), bake(lab, "unfinished", keep=False)]
    out, _ = retire(project, "--keep=1", "--dry-run")
    assert out.count("\n") == 4 and all(i in out for pair in old for i in pair), out
    assert there(lab) == {i for pair in (*old, arm, new, *others) for i in pair}, "a dry run"
    out, _ = retire(project, "--keep=1", "--json")
    said = json.loads(out)
    assert sorted(r["id"] for r in said["removed"]) == sorted(i for pair in old for i in pair), said
    assert said["used"] == [] and said["format"] == 1, said
    assert there(lab) == {i for pair in (arm, new, *others) for i in pair}, there(lab)
    assert not project.runs(), project.runs()
    assert retire(project, "--keep=1") == ("", ""), "again"
    clear(lab)


@case("so does the newest that has passed its test, though newer ones have not")
def proved(lab):
    project = Project()
    for n in range(3):
        bake(lab, f"hello-{n}", **({"shared-prep:promoted": "2026-01-01T00:00:00Z"} if n < 2 else {}))
    images = {i["Name"]: i["ImageId"] for i in lab.client().describe_images(Owners=["self"])["Images"]}
    retire(project, "--keep=1")
    assert {i for i in there(lab) if i.startswith("ami-")} == {images["hello-1"], images["hello-2"]}, images
    clear(lab)


@case("one that is used stays, and nothing is begun")
def used(lab):
    project = Project()
    image, snapshot = bake(lab, "hello-1")
    free, _ = bake(lab, "hello-0")
    name = template(lab, image)
    before = len(lab.log())
    _, err = retire(project, image, free, code=6)
    assert f"{image} in us-east-1 is used: launch template {name} (test) version 1" in err, err
    assert err.count("\n") == 1, err
    changed = [r["action"] for r in lab.log()[before:] if not r["action"].startswith(("Describe", "Get"))]
    assert not changed and not project.runs(), changed
    # With --keep the others go.
    out, err = retire(project, "--keep=0", code=6)
    assert f"used\t{image}\tlaunch template {name}" in out and f"image\t{free}\t" in out, out
    assert there(lab) == {image, snapshot}, there(lab)
    lab.client().delete_launch_template(LaunchTemplateId=name)
    running = lab.client().run_instances(ImageId=image, InstanceType="c6a.large", MinCount=1, MaxCount=1)
    running = running["Instances"][0]["InstanceId"]
    assert f"instance {running}" in retire(project, image, code=6)[1], "an instance"
    lab.clear()
    clear(lab)


@case("one that is named twice is one")
def twice(lab):
    project = Project()
    image, snapshot = bake(lab, "hello-1")
    out, _ = retire(project, image, image)
    assert out.count(image) == 1 and out.count(snapshot) == 1 and there(lab) == set(), out


@case("what is not ours is refused")
def foreign(lab):
    project = Project()
    other, _ = bake(lab, "other-1", project="other")
    plain = lab.client().register_image(Name="plain", RootDeviceName="/dev/xvda", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": bake(lab, "unnamed")[1]}}])["ImageId"]
    assert "is of project 'other', not of 'hello'" in retire(project, other, code=2)[1], "another project"
    assert "is not ours: it has no tag shared-prep:run" in retire(project, plain, code=2)[1], "no tag"
    assert retire(project, "ami-00000000000000000", code=6)[1].count("\n") == 1, "none"
    # A snapshot of somebody else's, of which ours has a disk.
    ec2, (image, snapshot) = lab.client(), bake(lab, "hello-own")
    theirs = ec2.describe_images(ImageIds=[plain])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    ec2.delete_tags(Resources=[theirs], Tags=[{"Key": "shared-prep:run"}])
    mixed = ec2.register_image(
        Name="hello-mixed", RootDeviceName="/dev/xvda", TagSpecifications=[
            {"ResourceType": "image", "Tags": tags_of("hello")}], BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}},
            {"DeviceName": "/dev/xvdb", "Ebs": {"SnapshotId": theirs}}])["ImageId"]
    ec2.deregister_image(ImageId=image)
    retire(project, mixed)
    assert theirs in there(lab) and not {mixed, snapshot} & there(lab), there(lab)
    assert "give either" in retire(project, code=2)[1] and "give either" in retire(project, other, "--keep=1", code=2)[1]
    clear(lab)


def with_copy(lab, name):
    """Everything of an image, and of its copy."""
    image = bake(lab, name, **{"shared-prep:copies": SECOND})
    return image, bake(lab, name, region=SECOND, **{"shared-prep:source": image[0]})


@case("copies go too, from their regions")
def copies(lab):
    project = Project()
    image, copy = with_copy(lab, "hello-1")
    bake(lab, "hello-other", region=SECOND)
    name = template(lab, copy[0], SECOND)
    _, err = retire(project, image[0], code=6)
    assert f"is used: {copy[0]} by launch template {name}" in err, err
    lab.client(region_name=SECOND).delete_launch_template(LaunchTemplateId=name)
    out, _ = retire(project, image[0])
    assert all(i in out for i in (*image, *copy)) and out.count("\n") == 4, out
    assert there(lab) == set() and len(there(lab, SECOND)) == 2, (there(lab), there(lab, SECOND))
    assert not project.runs()
    clear(lab, SECOND)


@case("an image whose copy is used stays, with its other copies, and so do the copies of one that is used")
def used_copies(lab):
    project = Project()
    first = bake(lab, "hello-1", **{"shared-prep:copies": f"{THIRD} {SECOND}"})
    near, far = (bake(lab, "hello-1", region=r, **{"shared-prep:source": first[0]}) for r in (THIRD, SECOND))
    second, copy = with_copy(lab, "hello-2")
    ours = ((first, None), (near, THIRD), (far, SECOND), (second, None), (copy, SECOND))
    name, other = template(lab, far[0], SECOND), template(lab, second[0])
    out, err = retire(project, "--keep=0", code=6)
    assert f"used\t{near[0]}\t{far[0]} by launch template {name}" in out and err.count("\n") == 1, (out, err)
    assert f"used\t{copy[0]}\t{second[0]} by launch template {other}" in out, out
    assert all(set(ids) <= there(lab, region) for ids, region in ours), out
    clear(lab, SECOND, THIRD)


@case("copies are found however many tags name their regions")
def many_copies(lab):
    project = Project()
    image, _ = bake(lab, "hello-9", **{"shared-prep:copies": THIRD, "shared-prep:copies-2": SECOND})
    bake(lab, "hello-9", region=SECOND, **{"shared-prep:source": image})
    retire(project, image)
    assert there(lab) == set() and there(lab, SECOND) == set(), (there(lab), there(lab, SECOND))


@case("a copy that is kept though its image is gone goes too, and no other")
def orphans(lab):
    project = Project()
    with open(project.folder / "shared-prep.ini", "a", encoding="ascii") as f:
        f.write(f"[image]\nbase=al2023-ecs\nregions={SECOND}\n")
    here = {"shared-prep:source-region": "us-east-1"}
    gone = {**here, "shared-prep:source": "ami-00000000000000001"}
    whole = bake(lab, "hello-2", **{"shared-prep:copies": SECOND})
    begun = bake(lab, "hello-3", keep=False)
    stay = [bake(lab, name, region=SECOND, **more) for name, more in (
        ("hello-2", {**here, "shared-prep:source": whole[0]}),
        # Its image may yet be finished, or else gc removes it first.
        ("hello-3", {**here, "shared-prep:source": begun[0]}),
        # Of an image that is elsewhere; of one that is told by no region.
        ("hello-4", {**gone, "shared-prep:source-region": "eu-west-1"}),
        ("hello-5", {"shared-prep:source": "ami-00000000000000001"}),
        ("hello-6", {**gone, "keep": False}),
        ("other-1", {**gone, "project": "other"}))]
    orphan = bake(lab, "hello-1", region=SECOND, **gone)
    name = template(lab, orphan[0], SECOND)
    out, err = retire(project, "--keep=1", code=6)
    assert f"used\t{orphan[0]}\tlaunch template {name}" in out and "is not retired" in err, (out, err)
    lab.client(region_name=SECOND).delete_launch_template(LaunchTemplateId=name)
    out, _ = retire(project, "--keep=1")
    assert out.count("\n") == 2 and all(i in out for i in orphan), out
    assert there(lab, SECOND) == {i for pair in stay for i in pair}, there(lab, SECOND)
    assert there(lab) == {*whole, *begun} and not project.runs(), there(lab)
    clear(lab, SECOND)


def is_whole(lab, ids, region=None):
    """All there with what keeps them, or all gone."""
    ec2 = lab.client(**({"region_name": region} if region else {}))
    left = there(lab, region) & set(ids)
    kept = {t["ResourceId"] for t in ec2.describe_tags()["Tags"]
            if t["Key"] == "shared-prep:keep" and t["ResourceId"] in left}
    assert left in (set(), set(ids)) and kept == left, (ids, left, kept)
    return bool(left)


def looks(lab):
    """How many requests there are before the first that changes something."""
    project = Project()
    with_copy(lab, "hello-1")
    first = len(lab.log())
    retire(project, "--keep=0", "--dry-run")
    number = len(lab.log()) - first
    clear(lab, SECOND)
    return number


def kill_at_each(lab, when):
    """How many requests there were. To be killed while it only looks is all the same: the last of these."""
    number, killed, outcomes = looks(lab) - 1, True, []
    while killed:
        number += 1
        project = Project()
        image, copy = with_copy(lab, "hello-1")
        killed = killed_at(lab, project, number, when, ("retire", "--keep=0", "--project"))
        project.collect()
        assert not project.runs(), (number, when, project.runs())
        here, far = is_whole(lab, image), is_whole(lab, copy, SECOND)
        assert here == far, (number, when, here, far)
        outcomes.append(here)
        clear(lab, SECOND)
    # Once it is decided, it is done.
    assert outcomes == sorted(outcomes, reverse=True) and outcomes[0] and not outcomes[-1], outcomes
    return number - 1


def kill_after_changes(lab):
    """The same, after those alone that change something."""
    project, outcomes = Project(), []
    image, copy = with_copy(lab, "hello-1")
    first = lab.tell()["requests"]
    retire(project, "--keep=0")
    actions = changing(lab, first)
    for at, action in enumerate(actions):
        project = Project()
        image, copy = with_copy(lab, "hello-1")
        killed_at_action(lab, project, ("retire", "--keep=0", "--project"), action, actions[:at].count(action))
        project.collect()
        assert not project.runs(), (action, at, project.runs())
        here, far = is_whole(lab, image), is_whole(lab, copy, SECOND)
        assert here == far, (action, at, here, far)
        outcomes.append(here)
        clear(lab, SECOND)
    assert outcomes == sorted(outcomes, reverse=True) and not outcomes[-1], outcomes
    return len(actions)


@case("killed after each request that changes something, gc leaves all of an image or nothing")
def after_changes(lab):
    assert kill_after_changes(lab) >= 4


if os.environ.get("CLOUD_FULL"):
    @case("killed before each request, gc leaves all of an image or nothing")
    def before(lab):
        assert kill_at_each(lab, "before") >= 20

    @case("killed after each request, gc leaves all of an image or nothing")
    def after(lab):
        assert kill_at_each(lab, "after") >= 20


finish()
