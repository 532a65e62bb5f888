# SPDX-License-Identifier: Apache-2.0
"""The life of images: one is baked, copied and shared, fails its test, passes it and is promoted; a
second takes its place, and the first is retired as soon as nobody uses it."""

import datetime
import json

import witness
from baking import CALM, FAR, FRIEND, TARGET, TODAY, asked, check_whole, forget, kinds
from controller import Baking, changes
from lab import case, finish

# Exit codes: used wrongly; refused by the other side; what is there is not good.
USAGE, REMOTE, DATA = 2, 6, 7
PARAMETER = "/hello/image"
KEY = "alias/mine"
IMAGE = f"""regions={FAR}
accounts={FRIEND}
deprecate=90d
iops=6000
throughput=700
parameter={PARAMETER}
"""
# (how it is spoilt, the check that fails, what it says)
SPOILT = (
    ("no-agent", "archive", "there is no shared-prep"),
    ("no-unit", "units", "shared-prep"),
    ("damaged-archive", "archive", "hello_x86-64-v2.tar.zst"),
    ("not-wiped", "wiped", "/etc/machine-id"),
)
BAKED = {}  # of the case before


def check_image(image, name, project, encrypted):
    """As the project wants it, by boto3."""
    assert image["State"] == "available" and image["Name"] == name, image
    assert image["ImdsSupport"] == "v2.0" and image["Architecture"] == "x86_64", image
    assert image["RootDeviceName"] == "/dev/xvda" and image["EnaSupport"], image
    disk = image["BlockDeviceMappings"][0]["Ebs"]
    assert disk["VolumeType"] == "gp3" and "Iops" not in disk and "Throughput" not in disk, disk
    assert image["Accounts"] == [FRIEND], image
    until = datetime.datetime.fromisoformat(image["DeprecationTime"]) - datetime.datetime.now(datetime.timezone.utc)
    assert abs(until - datetime.timedelta(days=90)) < datetime.timedelta(minutes=10), image
    for tags in (image["Tags"], *(s["Tags"] for s in image["Snapshots"])):
        assert tags["shared-prep:keep"] and tags["shared-prep:project"] == "hello", tags
        assert tags["shared-prep:inputs"] == project.baked()["inputs"] and tags["team"] == "a", tags
        assert "shared-prep:expires" not in tags, tags
    for snapshot in image["Snapshots"]:
        assert snapshot["State"] == "completed" and snapshot["Accounts"] == [FRIEND], snapshot
        assert snapshot["Encrypted"] == encrypted, snapshot
        assert not encrypted or KEY in snapshot["KmsKeyId"], snapshot


def check_bake(lab, project, name, since, encrypted=False):
    """The image and its copy that a bake has reported; its id and that of the copy."""
    report = project.baked()
    assert report["name"] == name and [c["region"] for c in report["copies"]] == ["us-east-1", FAR], report
    ids = [c["ami"] for c in report["copies"]]
    assert report["ami"] == ids[0]
    images = [witness.image(ids[0]), witness.image(ids[1], FAR)]
    for image in images:
        check_image(image, name, project, encrypted)
    contents = lab.tell()["snapshots"]
    assert all(contents[s["SnapshotId"]]["frozen"] for i in images for s in i["Snapshots"]), contents
    worker = asked(lab, since, "RunInstances")[0]["form"]
    disk = {k.rpartition(".")[2]: v for k, v in worker.items() if k.startswith("BlockDeviceMapping.1.Ebs.")}
    assert (disk["Iops"], disk["Throughput"]) == ("6000", "700"), disk
    assert (disk.get("Encrypted") == "true", disk.get("KmsKeyId")) == (encrypted, KEY if encrypted else None), disk
    # Whether one may is asked once, of what is not there yet and of what is.
    dry = [e["action"] for e in lab.log()[since:] if e["form"].get("DryRun") == "true"]
    assert dry == ["CreateSnapshot", "RegisterImage", "CreateSnapshot"], dry
    # One while the worker was being made, which is not there any more, and one in the end.
    assert len(asked(lab, since, "CreateSnapshot")) == 2
    return ids


def promoted(lab, image):
    """(what the parameter says, whether the image has the tag)"""
    found = lab.client("ssm").describe_parameters()["Parameters"]
    values = [lab.client("ssm").get_parameter(Name=p["Name"])["Parameter"]["Value"] for p in found]
    return values, "shared-prep:promoted" in witness.image(image)["Tags"]


def test(project, image, *words, **more):
    return project.run("test", image, "--project", str(project.folder), *words, **more)


def retire(project, image, **more):
    return project.run("retire", "--project", str(project.folder), image, **more)


@case("an image, its copy, and nothing else is left")
def full(lab):
    before, since = witness.everything(), lab.tell()["requests"]
    project = Baking(lab, IMAGE + TARGET, aws="tags=team=a")
    out, err = project.bake()
    name = f"hello-{TODAY}"
    ids = check_bake(lab, project, name, since)
    assert out == f"custom_ami={ids[0]}\n" and "wipe-check" in err, (out, err)
    assert kinds(changes(before)) == {"Images": 2, "Snapshots": 2}, changes(before)
    assert not project.runs(), project.runs()
    manifest = (project.dist / f"images/{name}.manifest").read_text("ascii")
    assert "usr/local/data/hello_x86-64-v2.tar.zst" in manifest and "usr/bin/shared-prep" in manifest
    assert json.loads((project.dist / f"images/{name}.cdx.json").read_text("utf-8"))["specVersion"] == "1.5"
    BAKED.update(project=project, before=before, first=ids[0], copy=ids[1])


@case("one that fails its test says which check, and is not promoted")
def spoilt(lab):
    project, image = BAKED["project"], BAKED["first"]
    lab.tell(knobs=CALM)
    there = changes(BAKED["before"])
    for how, check, said in SPOILT:
        lab.tell(spoil={"image": image, "how": how})
        out, err = test(project, image, "--promote", "-q", code=DATA)
        assert err.count("\n") == 1 and f"check '{check}'" in err and said in err and not out, (how, out, err)
        assert promoted(lab, image) == ([], False), how
        assert changes(BAKED["before"]) == there and not project.runs(), how
    # JSON has the checks up to the one that failed.
    said = json.loads(test(project, image, "--promote", "-q", "--json", code=DATA)[0])
    assert (said["format"], said["image"], said["ok"], said["promoted"]) == (1, image, False, None), said
    *good, bad = said["checks"]
    assert (bad["name"], bad["ok"]) == (check, False) and said["seconds"] > 0, said
    assert all(c["ok"] for c in good) and good and "/etc/machine-id" in bad["detail"], said
    lab.tell(spoil={"image": image, "shell": ":"})


@case("one that is not finished is not promoted, nor started")
def unfinished(lab):
    project, image, ec2 = BAKED["project"], BAKED["first"], lab.client()
    keep = {"Resources": [image], "Tags": [{"Key": "shared-prep:keep", "Value": "yes"}]}
    ec2.delete_tags(**keep)
    since = lab.tell()["requests"]
    out, err = test(project, image, "--promote", "-q", code=USAGE)
    assert err.count("\n") == 1 and f"'{image}' is not finished" in err and not out, (out, err)
    assert not asked(lab, since, "RunInstances") and promoted(lab, image) == ([], False)
    assert not project.runs(), project.runs()
    ec2.create_tags(**keep)


@case("one that passes is promoted, and is then not retired")
def good(lab):
    project, image = BAKED["project"], BAKED["first"]
    lab.tell(knobs=CALM)
    out, err = test(project, image, "--promote", "--json")
    said = json.loads(out)
    assert said["ok"] and said["promoted"] == PARAMETER and len(said["checks"]) >= 9, said
    assert promoted(lab, image) == ([image], True) and not project.runs(), err
    _, err = retire(project, image, code=REMOTE)
    assert err.count("\n") == 1 and f"{image} in us-east-1 is used: parameter {PARAMETER}" in err, err


@case("the second is baked, tested and promoted at once, and has the next name")
def second(lab):
    project, since = BAKED["project"], lab.tell()["requests"]
    lab.tell(knobs=CALM)
    with open(project.folder / "shared-prep.ini", "a", encoding="ascii") as f:
        f.write(f"[image]\nencrypt=yes\nkms_key={KEY}\n")
    project.archive("other")
    out, _ = project.bake("--test", "--promote", "-q")
    ids = check_bake(lab, project, f"hello-{TODAY}-2", since, encrypted=True)
    assert out == f"custom_ami={ids[0]}\n" and ids[0] != BAKED["first"], out
    assert promoted(lab, ids[0]) == ([ids[0]], True) and not project.runs()
    BAKED.update(second=ids[0], second_copy=ids[1])


def environment(lab, image):
    """A compute environment that starts it, and what takes it away again."""
    batch, iam, ec2 = lab.client("batch"), lab.client("iam"), lab.client()
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Arn"]
    batch.create_compute_environment(
        computeEnvironmentName="environment", type="MANAGED", serviceRole=role, computeResources={
            "type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["c7a.large"],
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            "instanceRole": profile, "imageId": image})

    def remove():
        batch.update_compute_environment(computeEnvironment="environment", state="DISABLED")
        batch.delete_compute_environment(computeEnvironment="environment")
        iam.delete_instance_profile(InstanceProfileName="p")
        iam.delete_role(RoleName="r")
    return remove


@case("the first is retired as soon as nobody uses it")
def retired(lab):
    project, image, ec2 = BAKED["project"], BAKED["first"], lab.client()
    template = ec2.create_launch_template(LaunchTemplateName="test", LaunchTemplateData={
        "ImageId": image, "InstanceType": "c6a.large"})["LaunchTemplate"]["LaunchTemplateId"]
    assert f"launch template {template}" in retire(project, image, code=REMOTE)[1]
    ec2.delete_launch_template(LaunchTemplateId=template)
    remove = environment(lab, image)
    assert "compute environment environment" in retire(project, image, code=REMOTE)[1]
    remove()
    retire(project, image)
    assert check_whole([*BAKED["before"], f"Parameters {PARAMETER}"]) == 2


@case("the AWS CLI sees the second, its copy and the parameter, and nothing when it has gone too")
def by_cli(lab):
    near, far = witness.image(BAKED["second"]), witness.image(BAKED["second_copy"], FAR)
    for found, image, more in ((witness.by_cli(), near, [f"Parameters {PARAMETER}"]), (witness.by_cli(FAR), far, [])):
        assert found == [f"Images {image['ImageId']}", *more,
                         *(f"Snapshots {s['SnapshotId']}" for s in image["Snapshots"])], found
    lab.client("ssm").delete_parameter(Name=PARAMETER)
    retire(BAKED["project"], BAKED["second"])
    assert witness.by_cli() == [] and witness.by_cli(FAR) == []
    assert changes(BAKED["before"]) == [] and not BAKED["project"].runs()


@case("one of the same inputs will do")
def again(lab):
    project = Baking(lab, TARGET)
    lab.tell(knobs=CALM)
    first, _ = project.bake("-q")
    requests = lab.tell()["requests"]
    assert project.bake("--if-changed")[0] == first
    said, = json.loads(project.bake("--if-changed", "--json")[0])["images"]
    assert said["unchanged"] and f"custom_ami={said['ami']}\n" == first, said
    assert all(entry["action"].startswith(("Describe", "GetParameter", "GetCaller"))
               for entry in lab.log()[requests:])
    # Of others it will not: it would begin, if it might.
    project.archive("other")
    lab.tell(faults=[{"action": "RegisterImage", "kind": "denied", "times": 0}])
    project.bake("--if-changed", "-q", code=REMOTE)
    lab.tell(faults=[])
    forget(lab)


finish()
