#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The typed functions against moto: what they do and say is what botocore sees, and each request is
as the official models have it (wire.py).

    services.py PROGRAM FOLDER

PROGRAM is tests/aws/services, FOLDER takes the files.
"""

import base64
import datetime
import json
import logging
import os
import pathlib
import subprocess
import sys

import botocore.session
import botocore.exceptions
from moto.server import ThreadedMotoServer

import wire

SECRET = "SEKRET/a+b"
TOKEN = "TOKEN/with+signs="
USER_DATA = "#!/bin/sh\nPRIVATE KEY \"&=+\"\n"
TAG = ("tag:shared-prep:run", "r 1+&")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


class Failed(Exception):
    """What is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def seconds(when):
    if isinstance(when, str):
        when = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
    return int(when.timestamp())


class Bench:
    """moto, the wire before it, botocore beside it, and our program."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.wire = wire.Wire("%s:%d" % self.server.get_host_and_port(), SECRET, TOKEN)
        self.debug = folder / "debug"
        self.ec2 = self.client("ec2")

    def client(self, service, url=None, region="us-east-1"):
        return botocore.session.Session().create_client(
            service, region_name=region, endpoint_url=url or "http://" + self.wire.moto,
            aws_access_key_id="AKIAX", aws_secret_access_key=SECRET)

    def ask(self, *command, code=0, **env):
        """What it prints; its message where it is to end with another code."""
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": self.wire.url, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_SESSION_TOKEN": TOKEN, "DEBUG_HTTP": str(self.debug), "USER_DATA": USER_DATA}
        done = subprocess.run([self.program, *command], env=base | env, capture_output=True,
                              text=True, check=False)
        expect(not self.wire.wrong, f"{command}: {self.wire.wrong[:1]}")
        expect(done.returncode == code, f"{command}: status {done.returncode}: {done.stderr}")
        if code:
            expect(done.stderr.count("\n") == 1, f"{command}: {done.stderr}")
        return done.stderr if code else json.loads(done.stdout)

    def stop(self):
        self.wire.stop()
        self.server.stop()


def check_network(bench):
    zones = bench.ec2.describe_availability_zones()["AvailabilityZones"]
    expect(bench.ask("zones") == [{"name": z["ZoneName"], "id": z["ZoneId"], "type": z.get("ZoneType", ""),
                                   "available": True} for z in zones], "zones")
    vpc = bench.ask("vpcs", "is-default", "true")
    known = bench.ec2.describe_vpcs()["Vpcs"][0]
    expect(vpc == [{"id": known["VpcId"], "cidr": known["CidrBlock"], "default": True}], vpc)
    expect(bench.ask("vpcs", "is-default", "false") == [], "vpcs")
    subnets = bench.ask("subnets", "vpc-id", known["VpcId"])
    expect(subnets == [{"id": s["SubnetId"], "vpc": s["VpcId"], "zone": s["AvailabilityZone"],
                        "free": s["AvailableIpAddressCount"], "public": s["MapPublicIpOnLaunch"],
                        "default": s["DefaultForAz"], "available": True}
                       for s in bench.ec2.describe_subnets()["Subnets"]] and len(subnets) > 3, subnets)


def permissions_of(bench, group):
    return bench.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]


def check_groups(bench):
    vpc = bench.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    expect(bench.ask("--dry-run", "group-create", "g-1", vpc) == {"allowed": True}, "dry run")
    expect(bench.ask("groups", *TAG) == [], "a dry run has made a group")
    group = bench.ask("group-create", "g-1", vpc)["id"]
    expect("InvalidGroup.Duplicate" in bench.ask("group-create", "g-1", vpc, code=6), "twice")
    for _ in range(2):
        bench.ask("group-allow", group, "203.0.113.7")
        bench.ask("group-allow", group, "2001:DB8:0::7")
    for wide in ("0.0.0.0", "::", "203.0.113.0/24", "x"):
        bench.ask("group-allow", group, wide, code=3)
    (v4, v6) = [{"protocol": "tcp", "from": 22, "to": 22, "source": s}
                for s in ("203.0.113.7/32", "2001:db8::7/128")]
    found = bench.ask("groups", *TAG)
    expect(len(found) == 1 and found[0]["tags"] == {"shared-prep:run": "r 1+&"}, found)
    expect(found[0]["id"] == group and found[0]["name"] == "g-1" and found[0]["vpc"] == vpc, found)
    expect(sorted(found[0]["permissions"], key=str) == sorted([v4, v6], key=str), found)
    known = permissions_of(bench, group)
    expect([r["CidrIp"] for p in known for r in p["IpRanges"]] == ["203.0.113.7/32"], known)
    for _ in range(2):
        bench.ask("group-revoke", group, "203.0.113.7")
    expect(bench.ask("groups", *TAG)[0]["permissions"] == [v6], "revoked")
    for _ in range(2):
        bench.ask("group-delete", group)
    expect(bench.ask("groups", *TAG) == [], "deleted")


def check_instances(bench):
    vpc = bench.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = bench.ec2.describe_subnets()["Subnets"][1]
    group = bench.ask("group-create", "g-2", vpc)["id"]
    what = ("c5.large", "ami-12c6146b", subnet["SubnetId"], group)
    expect(bench.ask("--dry-run", "run", *what, "token-0") == {"allowed": True}, "dry run")
    expect(bench.ask("instances") == [], "a dry run has made an instance")
    spot = bench.ask("run", *what, "token-1", "spot")
    plain = bench.ask("run", *what, "token-2", USER_DATA="")
    expect(spot["spot"] and not plain["spot"] and spot["state"] == "pending", (spot, plain))
    for one, token in ((spot, "token-1"), (plain, "token-2")):
        (known,) = bench.ec2.describe_instances(InstanceIds=[one["id"]])["Reservations"][0]["Instances"]
        (found,) = bench.ask("instances", "instance-id", one["id"])
        expect(found == {
            "id": one["id"], "state": "running", "type": "c5.large", "zone": subnet["AvailabilityZone"],
            "image": "ami-12c6146b", "root": known["RootDeviceName"],
            # moto's root is /dev/sda1, whatever is asked for.
            "volume": "",
            "subnet": subnet["SubnetId"], "private": known["PrivateIpAddress"],
            "public": known["PublicIpAddress"], "ipv6": "", "token": token, "spot": token == "token-1",
            "launched": seconds(known["LaunchTime"]), "reason": "",
            "tags": {"shared-prep:run": "r 1+&"}}, found)
        expect(known["MetadataOptions"]["HttpTokens"] == "required", known["MetadataOptions"])
        expect(known["MetadataOptions"]["HttpPutResponseHopLimit"] == 1, known["MetadataOptions"])
        (disk,) = bench.ask("volumes", "attachment.instance-id", one["id"])
        expect(disk["bytes"] == 9 << 30 and disk["kind"] == "gp3" and disk["instance"] == one["id"] and
               disk["tags"] == {"shared-prep:run": "r 1+&"} and disk["state"] == "in-use", disk)
        behaviour = bench.ec2.describe_instance_attribute(
            InstanceId=one["id"], Attribute="instanceInitiatedShutdownBehavior")
        expect(behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate", behaviour)
    sent = [p for _, a, p in bench.wire.seen if a == "RunInstances"]
    expect([p.get("InstanceMarketOptions", {}).get("SpotOptions", {}).get("MaxPrice") for p in sent] ==
           [None, "0.025300", None], sent)
    expect(base64.b64decode(sent[1]["UserData"]).decode() == USER_DATA, "user data")
    expect(sent[1]["NetworkInterfaces"][0]["Groups"] == [group], sent[1])
    bench.ask("tag", spot["id"], "Name", "worker 1")
    expect(bench.ask("instances-of", spot["id"])[0]["tags"]["Name"] == "worker 1", "tag")
    # moto knows no such filter.
    bench.wire.faults["DescribeInstances"] = (
        200, {}, b"<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>")
    expect(bench.ask("instances", "client-token", "token-1") == [], "filter")
    expect(bench.wire.seen[-1][2]["Filters"] == [{"Name": "client-token", "Values": ["token-1"]}], "filter")
    expect("InvalidInstanceID.NotFound" in bench.ask("instances-of", "i-0123456789abcdef0", code=6), "id")
    expect("InvalidInstanceID.NotFound" in bench.ask("terminate", "i-0123456789abcdef0", code=6), "id")
    expect(bench.ask("--dry-run", "terminate", spot["id"]) == {"allowed": True}, "dry run")
    bench.ask("terminate", spot["id"], plain["id"])
    ended = bench.ask("instances", *TAG)
    expect({i["state"] for i in ended} == {"terminated"} and len(ended) == 2, ended)
    expect({i["public"] for i in ended} == {""}, ended)
    bench.ask("group-delete", group)


def check_many(bench):
    bench.ec2.run_instances(ImageId="ami-12c6146b", MinCount=205, MaxCount=205)
    found = bench.ask("instances", "instance-state-name", "running")
    expect(len({i["id"] for i in found}) == 205, len(found))
    for _ in range(2):
        bench.ask("terminate", *[i["id"] for i in found[:20]])
    expect(len(bench.ask("instances", "instance-state-name", "running")) == 185, "after terminate")
    bench.ec2.terminate_instances(InstanceIds=[i["id"] for i in found])


def check_images(bench):
    since = len(bench.wire.seen)
    found = bench.ask("images", "amazon", "name", "amzn2-ami-ecs-hvm-2.0.2024*")
    known = bench.ec2.describe_images(
        Owners=["amazon"], Filters=[{"Name": "name", "Values": ["amzn2-ami-ecs-hvm-2.0.2024*"]}])["Images"]
    expect(len(known) > 5 and found == [{
        "id": i["ImageId"], "name": i["Name"], "owner": i["OwnerId"], "alias": i.get("ImageOwnerAlias", ""),
        "created": seconds(i["CreationDate"]), "arch": i["Architecture"], "state": i["State"],
        "root": i["RootDeviceName"], "tags": {}, "description": i.get("Description", ""),
        "imds": i.get("ImdsSupport", ""), "boot": i.get("BootMode", ""), "ena": i.get("EnaSupport", False),
        "sriov": i.get("SriovNetSupport", ""), "platform": i.get("PlatformDetails", ""),
        "codes": bool(i.get("ProductCodes")), "deprecated": 0,
        "devices": [{"name": d["DeviceName"], "snapshot": d["Ebs"]["SnapshotId"],
                     "bytes": d["Ebs"]["VolumeSize"] << 30, "type": d["Ebs"].get("VolumeType", ""),
                     "encrypted": d["Ebs"].get("Encrypted", False)} for d in i["BlockDeviceMappings"]]}
                                    for i in known], found[:1])
    instance = bench.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    image = bench.ec2.create_image(InstanceId=instance, Name="mine", TagSpecifications=[
        {"ResourceType": "image", "Tags": [{"Key": "shared-prep:run", "Value": "2"}]}])["ImageId"]
    (mine,) = bench.ask("images", "self", "tag:shared-prep:run", "2")
    expect(mine["id"] == image and mine["tags"] == {"shared-prep:run": "2"}, mine)
    snapshot = mine["devices"][0]["snapshot"]
    bench.ask("tag", snapshot, "shared-prep:run", "2")
    bench.ask("tag", snapshot, "shared-prep:keep", "yes")
    for _ in range(2):
        bench.ask("untag", snapshot, "shared-prep:keep", "other")
    (one,) = bench.ask("snapshots", "tag:shared-prep:run", "2")
    expect(one["id"] == snapshot and one["state"] == "completed" and one["bytes"] > 0 and
           one["tags"] == {"shared-prep:run": "2"}, one)
    expect("InvalidSnapshot.InUse" in bench.ask("snapshot-delete", snapshot, code=6), "in use")
    expect(bench.ask("--dry-run", "deregister", image) == {"allowed": True}, "dry run")
    for _ in range(2):
        bench.ask("deregister", image)
    for _ in range(2):
        bench.ask("snapshot-delete", snapshot)
    expect(bench.ask("snapshots", "tag:shared-prep:run", "2") == [], "snapshots")
    bench.ec2.terminate_instances(InstanceIds=[instance])
    volume = bench.ec2.create_volume(AvailabilityZone="us-east-1b", Size=3)["VolumeId"]
    expect(bench.ask("--dry-run", "volume-delete", volume) == {"allowed": True}, "dry run")
    for _ in range(2):
        bench.ask("volume-delete", volume)
    expect("DeregisterImage" in bench.wire.actions(since), "deregistered")


def answered(action, member):
    return (200, {}, f"<{action}Response><{member}>x-1</{member}></{action}Response>".encode())


def check_images_made(bench):
    """moto ignores most of it, or refuses it: the models judge."""
    def sent(action):
        return [p for _, a, p in bench.wire.seen if a == action][-1]

    def tagged(kind, value):
        return {"ResourceType": kind, "Tags": [{"Key": "shared-prep:token", "Value": value}]}

    instance = bench.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    (known,) = bench.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    expect(bench.ask("instances-of", instance)[0]["volume"] == known["BlockDeviceMappings"][0]["Ebs"]["VolumeId"],
           known)
    expect(bench.ask("--dry-run", "image-create", instance, "n-1") == {"allowed": True}, "dry run")
    image = bench.ask("image-create", instance, "n-1")["id"]
    known = bench.ec2.describe_images(ImageIds=[image])["Images"][0]
    expect(known["Name"] == "n-1" and known["Description"] == "of a test" and
           known["Tags"] == [{"Key": "shared-prep:token", "Value": "i"}], known)
    expect(sent("CreateImage") == {"InstanceId": instance, "Name": "n-1", "Description": "of a test",
                                   "NoReboot": True, "TagSpecifications": [tagged("image", "i")]}, sent("CreateImage"))
    bench.wire.faults["CreateImage"] = answered("CreateImage", "imageId")
    expect(bench.ask("image-create", instance, "n-2", "/dev/xvda") == {"id": "x-1"}, "id")
    ebs = {"VolumeSize": 12, "VolumeType": "gp3", "Iops": 3500, "Throughput": 200, "DeleteOnTermination": True}
    expect(sent("CreateImage")["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": ebs}] and
           sent("CreateImage")["TagSpecifications"] == [tagged("image", "i"), tagged("snapshot", "s")],
           sent("CreateImage"))
    for wrong in (b"<CreateImageResponse/>", b"<CreateImageResponse><imageId>" + b"x" * 40 +
                  b"</imageId></CreateImageResponse>"):
        bench.wire.faults["CreateImage"] = (200, {}, wrong)
        expect("no imageId" in bench.ask("image-create", instance, "n-2", code=7), "no id")
    volume = bench.ec2.create_volume(AvailabilityZone="us-east-1b", Size=3)["VolumeId"]
    made = bench.ask("snapshot", volume)["id"]
    known = bench.ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]
    expect(known["VolumeId"] == volume and known["Description"] == "of a test" and
           known["Tags"] == [{"Key": "shared-prep:token", "Value": "s"}], known)
    bench.ask("image-register", made, "n-3", "arm64", "uefi")
    expect(sent("RegisterImage") == {
        "Name": "n-3", "Architecture": "arm64", "VirtualizationType": "hvm", "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {
            "SnapshotId": made, "VolumeSize": 10, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125,
            "DeleteOnTermination": True}}],
        "EnaSupport": True, "SriovNetSupport": "simple", "BootMode": "uefi", "ImdsSupport": "v2.0",
        "TagSpecifications": [tagged("image", "i")]}, sent("RegisterImage"))
    bench.ask("image-register", made, "n-4", "x86_64")
    expect(not {"SriovNetSupport", "BootMode", "ImdsSupport"} & set(sent("RegisterImage")), sent("RegisterImage"))
    check_copies(bench, image, sent, [tagged("image", "i"), tagged("snapshot", "s")])
    group = bench.ask("group-create", "g-3", bench.ec2.describe_vpcs()["Vpcs"][0]["VpcId"])["id"]
    plain = bench.ask("run", "c5.large", "ami-12c6146b", bench.ec2.describe_subnets()["Subnets"][0]["SubnetId"],
                      group, "token-4", KMS_KEY="alias/mine")["id"]
    expect(sent("RunInstances")["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": {
        "VolumeSize": 9, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250, "Encrypted": True,
        "KmsKeyId": "alias/mine", "DeleteOnTermination": True}}], sent("RunInstances"))
    bench.ask("terminate", plain, instance)
    bench.ask("group-delete", group)


def check_copies(bench, image, sent, tags):
    snapshot = bench.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    copy = bench.ask("image-copy", image, "us-east-1", "n-5", "token-3", AWS_REGION="eu-west-1")["id"]
    there = bench.client("ec2", region="eu-west-1").describe_images(ImageIds=[copy])["Images"][0]
    expect(there["Name"] == "n-5", there)
    expect(sent("CopyImage") == {"ClientToken": "token-3", "SourceImageId": image, "SourceRegion": "us-east-1",
                                 "Name": "n-5", "TagSpecifications": tags}, sent("CopyImage"))
    bench.ask("image-copy", image, "us-east-1", "n-6", "token-4", "alias/mine", AWS_REGION="eu-west-1")
    expect(sent("CopyImage")["Encrypted"] is True and sent("CopyImage")["KmsKeyId"] == "alias/mine", sent("CopyImage"))
    accounts = ["111122223333", "444455556666"]
    bench.ask("share", image, *accounts)
    bench.ask("share", snapshot, *accounts)
    permission = bench.ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    expect(sorted(p["UserId"] for p in permission) == accounts, permission)
    permission = bench.ec2.describe_snapshot_attribute(
        SnapshotId=snapshot, Attribute="createVolumePermission")["CreateVolumePermissions"]
    expect(sorted(p["UserId"] for p in permission) == accounts, permission)
    bench.wire.faults["EnableImageDeprecation"] = (
        200, {}, b"<EnableImageDeprecationResponse><return>true</return></EnableImageDeprecationResponse>")
    bench.ask("image-deprecate", image, "1893456000")
    expect(sent("EnableImageDeprecation") == {"ImageId": image, "DeprecateAt": "2030-01-01T00:00:00Z"}, "deprecation")
    bench.wire.faults["DescribeImages"] = images_answer(image_of(
        "x", imdsSupport="v2.0", bootMode="uefi-preferred", enaSupport="true", sriovNetSupport="simple",
        platformDetails="Linux/UNIX", deprecationTime="2030-01-01T00:00:00.000Z", description="d",
        productCodes="<item><productCode>p</productCode></item>"))
    (one,) = bench.ask("images", "self")
    expect((one["imds"], one["boot"], one["ena"], one["sriov"], one["platform"], one["deprecated"], one["codes"],
            one["description"]) == ("v2.0", "uefi-preferred", True, "simple", "Linux/UNIX", 1893456000, True, "d"), one)


def check_users(bench):
    """Whoever may start an image again is found."""
    auto, batch, iam = bench.client("autoscaling"), bench.client("batch"), bench.client("iam")
    images = [f"ami-{n:017x}" for n in range(1, 10)]

    def template(name, *images):
        for version, image in enumerate(images):
            data = {"ImageId": image, "InstanceType": "c5.large"}
            if version == 0:
                made = bench.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
            else:
                bench.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)
        return made["LaunchTemplate"]["LaunchTemplateId"]

    bench.ask("parameter-put", "/mine", "ami-0123")
    bench.ask("parameter-put", "/mine", images[7], "which image")
    known = bench.client("ssm").get_parameter(Name="/mine")["Parameter"]
    expect(known["Value"] == images[7] and known["DataType"] == "aws:ec2:image" and known["Version"] == 2, known)
    first = template("one", images[0], images[8], images[1])
    second = template("two", "resolve:ssm:/mine", "resolve:ssm:/none")
    expect(bench.ask("templates") == [[first, "one", 3, images[1]], [first, "one", 1, images[0]],
                                      [second, "two", 2, "resolve:ssm:/none"], [second, "two", 1, "resolve:ssm:/mine"]],
           bench.ask("templates"))
    expect(bench.ask("templates", "one", "2") == [[first, "one", 2, images[8]]], "one version")
    zones, sizes = {"AvailabilityZones": ["us-east-1a"]}, {"MinSize": 0, "MaxSize": 0}
    auto.create_launch_configuration(LaunchConfigurationName="old", ImageId=images[2], InstanceType="c5.large")
    auto.create_auto_scaling_group(AutoScalingGroupName="g-old", LaunchConfigurationName="old", **sizes, **zones)
    auto.create_auto_scaling_group(AutoScalingGroupName="g-one", **sizes, **zones, LaunchTemplate={
        "LaunchTemplateId": first, "Version": "2"})
    auto.create_auto_scaling_group(AutoScalingGroupName="g-mixed", **sizes, **zones, MixedInstancesPolicy={
        "LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateName": "one", "Version": "$Latest"},
                           "Overrides": [{"InstanceType": "c5.large"}]}})
    ways = bench.ask("scaling")
    expect([w for w in ways if w[1] or w[2]] == [
        ["g-one", first, "one", "2", ""], ["g-mixed", first, "one", "$Latest", ""]], ways)
    expect(bench.ask("configurations") == [["old", images[2]]], "configurations")
    role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.create_instance_profile(InstanceProfileName="batch")
    network = bench.ec2.describe_subnets()["Subnets"][0]
    group = bench.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    for name, more in (("e-image", {"imageId": images[3]}),
                       ("e-override", {"ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": images[4]}]}),
                       ("e-template", {"launchTemplate": {"launchTemplateName": "one", "version": "2"}})):
        batch.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED", serviceRole=role, computeResources={
                "type": "EC2", "minvCpus": 0, "maxvCpus": 1, "instanceTypes": ["c5.large"], "instanceRole":
                role.replace(":role/", ":instance-profile/"), "subnets": [network["SubnetId"]],
                "securityGroupIds": [group]} | more)
    expect(bench.ask("environments") == [["e-image", "", "", "", images[3]], ["e-override", "", "", "", images[4]],
                                         ["e-template", "", "one", "2", ""]], bench.ask("environments"))
    running = bench.ec2.run_instances(ImageId=images[5], MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    found = bench.ask("users", "/mine", *images)
    wanted = [
        [images[5], f"instance {running}"],
        [images[1], f"launch template {first} (one) version 3"],
        [images[0], f"launch template {first} (one) version 1"],
        [images[7], f"launch template {second} (two) version 1"],
        [images[2], "launch configuration old"],
        [images[8], f"Auto Scaling group g-one by launch template {first} (one) version 2"],
        [images[1], f"Auto Scaling group g-mixed by launch template {first} (one) version 3"],
        [images[3], "compute environment e-image"],
        [images[4], "compute environment e-override"],
        [images[8], f"compute environment e-template by launch template {first} (one) version 2"],
        [images[7], "parameter /mine"]]
    expect(found == wanted, found)
    expect(bench.ask("users", "", images[6]) == [], "nobody uses it")
    # What may not be looked at is no proof that nobody uses it.
    bench.wire.faults["DescribeComputeEnvironments"] = (
        403, {"x-amzn-ErrorType": "AccessDeniedException"}, b'{"message": "no"}')
    expect("batch DescribeComputeEnvironments: AccessDenied" in bench.ask("users", "", images[6], code=6), "denied")
    # Nor is what cannot be read.
    for answer in ({}, {"computeEnvironments": {}}, {"computeEnvironments": [{"computeResources": {"imageId": 7}}]},
                   {"computeEnvironments": [{"computeResources": {"ec2Configuration": "x"}}]},
                   {"computeEnvironments": [{"computeResources": {"launchTemplate": {"launchTemplateId": []}}}]}):
        bench.wire.faults["DescribeComputeEnvironments"] = (200, {}, json.dumps(answer).encode())
        expect("of the answer of batch is" in bench.ask("users", "", images[6], code=7), answer)
    auto.delete_auto_scaling_group(AutoScalingGroupName="g-one")
    bench.ec2.delete_launch_template(LaunchTemplateId=first)
    found = bench.ask("users", "", *images)
    expect([u for _, u in found] == [f"instance {running}", f"launch template {second} (two) version 1",
                                     "launch configuration old", "compute environment e-image",
                                     "compute environment e-override"], found)
    check_user_answers(bench)
    bench.ask("terminate", running)
    iam.delete_instance_profile(InstanceProfileName="batch")
    iam.delete_role(RoleName="batch")


GROUP = """<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
<DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>%s</AutoScalingGroupName>
<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateId>lt-1</LaunchTemplateId>
<Version>7</Version></LaunchTemplateSpecification><Overrides><member><InstanceType>a</InstanceType></member>
<member><LaunchTemplateSpecification><LaunchTemplateName>n</LaunchTemplateName></LaunchTemplateSpecification></member>
<member><ImageId>ami-1</ImageId></member></Overrides></LaunchTemplate></MixedInstancesPolicy></member>
</AutoScalingGroups>%s</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"""


def check_user_answers(bench):
    """What moto does not know: images of overrides, pages."""
    bench.wire.faults["DescribeAutoScalingGroups"] = (200, {}, (GROUP % ("g", "")).encode())
    expect(bench.ask("scaling") == [["g", "", "", "", ""], ["g", "lt-1", "", "7", ""], ["g", "", "n", "", ""],
                                    ["g", "", "", "", "ami-1"]], bench.ask("scaling"))
    bench.wire.faults["DescribeAutoScalingGroups"] = (
        200, {}, (GROUP % ("g", "<NextToken>g-old</NextToken>")).encode())
    bench.ask("scaling")
    expect(bench.wire.seen[-1][2] == {"MaxRecords": 100, "NextToken": "g-old"}, bench.wire.seen[-1])
    environment = {"computeEnvironmentName": "e", "status": "VALID", "computeResources": {
        "launchTemplate": {"launchTemplateId": "lt-1", "version": "$Latest", "overrides": [
            {"launchTemplateId": "lt-2", "targetInstanceTypes": ["c5"]}]}}}
    gone = {"computeEnvironmentName": "d", "status": "DELETED", "computeResources": {"imageId": "ami-1"}}
    bench.wire.canned["DescribeComputeEnvironments"] = [
        {"computeEnvironments": [environment], "nextToken": "1"},
        {"computeEnvironments": [gone, {"computeEnvironmentName": "fargate"}]}]
    expect(bench.ask("environments") == [["e", "lt-1", "", "$Latest", ""], ["e", "lt-2", "", "", ""]], "pages")
    del bench.wire.canned["DescribeComputeEnvironments"]


def check_types(bench):
    names = ["c5.large", "c7g.medium", "c5n.metal", "t3.micro", "m1.small"]
    known = {t["InstanceType"]: t for t in bench.ec2.describe_instance_types(InstanceTypes=names)["InstanceTypes"]}
    found = bench.ask("types", *names)
    expect(len(found) == 5, found)
    for t in found:
        k = known[t["name"]]
        expect(t == {"name": k["InstanceType"], "vcpus": k["VCpuInfo"]["DefaultVCpus"],
                     "cores": k["VCpuInfo"].get("DefaultCores", 0),
                     "memory": k["MemoryInfo"]["SizeInMiB"] << 20,
                     "x86_64": "x86_64" in k["ProcessorInfo"]["SupportedArchitectures"],
                     "arm64": "arm64" in k["ProcessorInfo"]["SupportedArchitectures"],
                     "current": k["CurrentGeneration"], "metal": k["BareMetal"],
                     "burstable": k["BurstablePerformanceSupported"],
                     "spot": "spot" in k["SupportedUsageClasses"]}, (t, k))
    expect("InvalidInstanceType" in bench.ask("types", "c5.nothing", code=6), "unknown type")
    family = bench.ask("types-by", "instance-type", "c5.*")
    expect({"c5.large", "c5.metal"} <= {t["name"] for t in family} and
           all(t["name"].startswith("c5.") for t in family), family)
    known = bench.ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["c5.large", "c7a.large"]}])
    expect(sorted(bench.ask("offerings", "c5.large", "c7a.large")) ==
           sorted([o["InstanceType"], o["Location"]] for o in known["InstanceTypeOfferings"]), "offerings")


SPOT = """<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<spotPriceHistorySet>%s</spotPriceHistorySet><nextToken>%s</nextToken></DescribeSpotPriceHistoryResponse>"""
SPOT_ITEM = ("<item><instanceType>%s</instanceType><productDescription>Linux/UNIX</productDescription>"
             "<spotPrice>%s</spotPrice><timestamp>%s</timestamp><availabilityZone>%s</availabilityZone></item>")


def check_spots(bench):
    found = bench.ask("spots", "c5.large")
    expect(found and {s["price"] for s in found} == {10} and {s["type"] for s in found} == {"c5.large"}, found)
    rows = [("c7a.large", "0.0253", "2026-01-01T00:00:00.000Z", "b"), ("c7a.large", "0.031", "2026-01-03T00:00:00Z", "b"),
            ("c7a.large", "0.02", "2026-01-02T00:00:00.000Z", "b"), ("c5.large", "1.2345678", "2026-01-02T00:00:00.000Z", "a")]
    bench.wire.faults["DescribeSpotPriceHistory"] = (
        200, {}, (SPOT % ("".join(SPOT_ITEM % r for r in rows), "")).encode())
    expect([(s["type"], s["zone"], s["price"]) for s in bench.ask("spots", "c7a.large", "c5.large")] ==
           [("c5.large", "a", 1234568), ("c7a.large", "b", 31000)], "the newest of each")
    for wrong in ("-1", "1e3", "", "x"):
        bench.wire.faults["DescribeSpotPriceHistory"] = (
            200, {}, (SPOT % (SPOT_ITEM % ("t", wrong, "2026-01-01T00:00:00Z", "a"), "")).encode())
        expect("spotPrice" in bench.ask("spots", "t", code=7), "a price of " + wrong)


def check_parameters(bench):
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    ssm = bench.client("ssm")
    value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    expect(bench.ask("parameter", name) == {"value": value}, "parameter")
    expect("ParameterNotFound" in bench.ask("parameter", "/none", code=6), "no parameter")
    expect(bench.ask("parameters", name, "/none") == {name: value}, "parameters")
    # An object where there should be a text, as moto has it.
    expect("no text" in bench.ask(
        "parameter", "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended", code=7), "no text")


def check_iam(bench):
    iam = bench.client("iam")
    expect("NoSuchEntity" in bench.ask("role", "worker", code=6), "no role")
    since = len(bench.wire.seen)
    bench.ask("--dry-run", "role-create", "worker", TRUST, code=1)
    expect(bench.wire.actions(since) == [], "a dry run has asked IAM")
    made = bench.ask("role-create", "worker", TRUST)
    known = iam.get_role(RoleName="worker")["Role"]
    expect(made == {"name": "worker", "arn": known["Arn"]} == bench.ask("role", "worker"), made)
    expect(known["AssumeRolePolicyDocument"] == json.loads(TRUST), known)
    expect(iam.list_role_tags(RoleName="worker")["Tags"] == [{"Key": "shared-prep:run", "Value": "1"}], "tags")
    expect("EntityAlreadyExists" in bench.ask("role-create", "worker", TRUST, code=6), "twice")
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    for _ in range(2):
        bench.ask("iam", "put", "worker", "inline", document)
        bench.ask("iam", "attach", "worker", arn)
    expect(iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["inline"], "inline")
    bench.ask("profile-create", "prof")
    expect(bench.ask("profile", "prof")["role"] == "", "profile without a role")
    for _ in range(2):
        bench.ask("iam", "add", "prof", "worker")
    profile = bench.ask("profile", "prof")
    expect(profile["role"] == "worker" and profile["arn"].endswith("instance-profile/prof"), profile)
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST)
    expect("LimitExceeded" in bench.ask("iam", "add", "prof", "other", code=6), "another role")
    bench.ask("role-delete", "other")
    for change in (("remove", "prof", "worker"), ("delete", "worker", "inline"), ("detach", "worker", arn)):
        bench.ask("iam", *change)
    for _ in range(2):
        bench.ask("profile-delete", "prof")
        bench.ask("role-delete", "worker")
    expect(iam.list_roles()["Roles"] == [], "roles are left")


def product(price, unit="Hrs"):
    return json.dumps({
        "product": {"attributes": {"instanceType": "c7a.large"}}, "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"X.J": {"priceDimensions": {
            "X.J.6": {"unit": unit, "pricePerUnit": {"USD": price}, "description": "d"}}}}}})


def check_prices(bench):
    bench.wire.canned["GetProducts"] = [
        {"FormatVersion": "aws_v1", "PriceList": [product("0.0000000000")], "NextToken": "1"},
        {"FormatVersion": "aws_v1", "PriceList": [product("0.1026400000")]}]
    since = len(bench.wire.seen)
    expect(bench.ask("price", "c7a.large", AWS_REGION="eu-west-1") == {"price": 102640}, "price")
    sent = bench.wire.seen[since:]
    expect(len(sent) == 2 and {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"}
           in sent[0][2]["Filters"] and sent[1][2]["NextToken"] == "1", sent)
    known = bench.client("pricing", "http://" + bench.wire.moto)
    expect({f["Field"] for f in sent[0][2]["Filters"]} == {
        "instanceType", "regionCode", "operatingSystem", "tenancy", "preInstalledSw", "capacitystatus"}, known)
    bench.wire.canned["GetProducts"] = [{"FormatVersion": "aws_v1", "PriceList": []}]
    expect("no 'c7a.large'" in bench.ask("price", "c7a.large", code=6), "no price")
    for wrong in (product("x"), product("1", "Quantity"), "{", "[]"):
        bench.wire.canned["GetProducts"] = [{"PriceList": [wrong]}]
        bench.ask("price", "c7a.large", code=7)


def quota(code, value):
    return {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": "Running " + code, "Value": value,
            "Unit": "None", "Adjustable": True, "GlobalQuota": False}


def check_quotas(bench):
    bench.wire.canned["GetServiceQuota"] = [{"Quota": quota("L-1216C47A", 64.0)}]
    expect(bench.ask("quota", "L-1216C47A") == {"code": "L-1216C47A", "name": "Running L-1216C47A", "value": 64},
           "quota")
    bench.wire.canned["ListServiceQuotas"] = [
        {"Quotas": [quota("L-1216C47A", 64.0)], "NextToken": "1"}, {"Quotas": [quota("L-34B43A08", 0.5)]}]
    expect([(q["code"], q["value"]) for q in bench.ask("quotas")] == [("L-1216C47A", 64), ("L-34B43A08", 0)],
           "quotas")
    # A page that leads to itself, and a list without end.
    bench.wire.canned["ListServiceQuotas"] = [{"Quotas": [], "NextToken": "1"}, {"Quotas": [], "NextToken": "1"}]
    expect("next page" in bench.ask("quotas", code=7), "pages")
    for wrong in (quota("x", -1), quota("x", "64"), {"QuotaCode": "x"}, []):
        bench.wire.canned["GetServiceQuota"] = [{"Quota": wrong}]
        bench.ask("quota", "L-1216C47A", code=7)


def check_s3(bench):
    s3 = bench.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    for key in ("a", "dir/b.tar.zst", "x y/z_~-"):
        bench.ask("put", "some-bucket", key, "text <&>")
        got = s3.get_object(Bucket="some-bucket", Key=key)
        expect(got["Body"].read() == b"text <&>" and got["ContentType"] == "text/plain", got)
        expect(bench.ask("head", "some-bucket", key) == {"size": 8, "etag": got["ETag"]}, key)
        expect(bench.ask("get", "some-bucket", key) == {"body": "text <&>"}, key)
    bench.ask("put", "some-bucket", "empty", "")
    expect(bench.ask("get", "some-bucket", "empty") == {"body": ""}, "empty")
    for _ in range(2):
        bench.ask("delete", "some-bucket", "a")
    expect("no such object" in bench.ask("head", "some-bucket", "a", code=6), "gone")
    expect("NoSuchBucket" in bench.ask("put", "other-bucket", "a", "x", code=6), "no bucket")
    for key in ("", "a//b", "../a", "a/./b", "a/", "k" * 1025):
        bench.ask("put", "some-bucket", key, "x", code=2)
    bench.ask("put", "Some_Bucket", "a", "x", code=2)
    large = bench.folder / "large"
    large.write_bytes(os.urandom(1 << 20) * 17 + b"end")
    for name, data in (("large", large.read_bytes()), ("small", b"small"), ("nothing", b"")):
        path = bench.folder / name
        path.write_bytes(data)
        bench.ask("upload", "some-bucket", "up/" + name, str(path))
        expect(s3.get_object(Bucket="some-bucket", Key="up/" + name)["Body"].read() == data, name)
        bench.ask("fetch", "some-bucket", "up/" + name, str(bench.folder / "back"))
        expect((bench.folder / "back").read_bytes() == data, name)
    expect("too long" in bench.ask("get", "some-bucket", "up/large", code=7), "too long for memory")
    parts = [p for _, a, p in bench.wire.seen if a == "UploadPart"]
    expect([p["partNumber"] for p in parts] == [["1"], ["2"], ["3"]], parts)


def check_s3_abort(bench):
    """Whatever fails, no parts are left."""
    s3 = bench.client("s3")
    error = b"<Error><Code>%s</Code><Message>m</Message></Error>"
    large = str(bench.folder / "large")
    for action, answer, code in (("UploadPart", (403, {}, error % b"AccessDenied"), 6),
                                 ("CompleteMultipartUpload", (200, {}, error % b"InternalError"), 5),
                                 ("UploadPart", (200, {}, b""), 7)):
        since = len(bench.wire.seen)
        bench.wire.faults[action] = answer
        bench.ask("upload", "some-bucket", "failed", large, code=code)
        expect(bench.wire.actions(since)[-1] == "AbortMultipartUpload", bench.wire.actions(since))
        expect("Uploads" not in s3.list_multipart_uploads(Bucket="some-bucket"), "parts are left")
    bench.ask("head", "some-bucket", "failed", code=6)


def image_of(name, **more):
    """An image as EC2 tells of it."""
    image = {"imageId": "ami-0aa", "imageState": "available", "imageOwnerId": "137112412989",
             "imageOwnerAlias": "amazon", "architecture": "x86_64", "name": name,
             "rootDeviceName": "/dev/xvda", "creationDate": "2026-01-01T00:00:00.000Z"} | more
    items = "".join(f"<{k}>{v}</{k}>" for k, v in image.items())
    return ("<item>" + items + "<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"
            "<snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping></item>")


def images_answer(*images):
    return (200, {}, ("<DescribeImagesResponse><imagesSet>" + "".join(images) +
                      "</imagesSet></DescribeImagesResponse>").encode())


def check_bases(bench):
    param = {"Parameter": {"Name": "p", "Type": "String", "Value": "ami-0aa"}}
    name = "al2023-ami-2023.9.20260101.0-kernel-%s-x86_64"
    bench.wire.canned["GetParameter"] = [param]
    since = len(bench.wire.seen)
    bench.wire.faults["DescribeImages"] = images_answer(image_of(name % "6.1"))
    found = bench.ask("base", "al2023", "x86_64", "6.1")
    expect(found == {"id": "ami-0aa", "name": name % "6.1", "arch": "x86_64", "root": "/dev/xvda",
                     "bytes": 8 << 30, "kernel": "6.1", "moved": ""}, found)
    expect([a for a in bench.wire.seen[since:]] == [
        ("ssm", "GetParameter", {"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"}),
        ("ec2", "DescribeImages", {"ImageIds": ["ami-0aa"]})], bench.wire.seen[since:])
    bench.wire.faults["DescribeImages"] = images_answer(image_of(name % "6.12"))
    found = bench.ask("base", "al2023", "x86_64", "6.1")
    expect(found["kernel"] == "6.12" and found["moved"].startswith("al2023 has kernel 6.12, not 6.1: al2023-"), found)
    for wrong, code, says in ((image_of("x", imageOwnerAlias="self"), 6, "not Amazon's"),
                              (image_of("x", imageState="pending"), 6, "pending"),
                              (image_of("x", architecture="arm64"), 3, "aarch64"),
                              (image_of("x", rootDeviceName="/dev/sda1"), 6, "no root")):
        bench.wire.faults["DescribeImages"] = images_answer(wrong)
        expect(says in bench.ask("base", "al2023", "x86_64", code=code), says)
    bench.wire.canned["GetParameter"] = [{"Parameter": {"Name": "p", "Value": "snap-1"}}]
    expect("no image" in bench.ask("base", "al2023", "x86_64", code=7), "no image")
    bench.wire.canned["GetParameter"] = [param]
    for base, arch, path in (
            ("al2", "aarch64", "ami-amazon-linux-latest/amzn2-ami-kernel-default-hvm-arm64-gp2"),
            ("al2-ecs", "x86_64", "ecs/optimized-ami/amazon-linux-2/recommended/image_id"),
            ("al2-ecs", "aarch64", "ecs/optimized-ami/amazon-linux-2/arm64/recommended/image_id"),
            ("al2023-ecs", "aarch64", "ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id")):
        since = len(bench.wire.seen)
        bench.wire.faults["DescribeImages"] = images_answer(
            image_of("x", architecture="arm64" if arch == "aarch64" else arch))
        expect(bench.ask("base", base, arch)["arch"] == arch, base)
        expect(bench.wire.seen[since][2] == {"Name": "/aws/service/" + path}, bench.wire.seen[since])
    del bench.wire.canned["GetParameter"]
    bench.wire.faults["DescribeImages"] = images_answer(image_of("mine", imageOwnerAlias="", imageId="ami-0123abc"))
    expect(bench.ask("base", "ami-0123abc", "x86_64")["name"] == "mine", "an id")
    expect("ami-…" in bench.ask("base", "debian", "x86_64", code=3), "no base")


def check_base_names(bench):
    """No parameter may be read: by owner and name, the newest."""
    denied = (400, {}, b'{"__type": "AccessDeniedException", "Message": "no"}')
    since = len(bench.wire.seen)
    bench.wire.faults["GetParameter"] = denied
    found = bench.ask("base", "al2-ecs", "x86_64")
    newest = max((i["Name"] for i in bench.ec2.describe_images(Owners=["amazon"], Filters=[
        {"Name": "name", "Values": ["amzn2-ami-ecs-hvm-2.0.*-x86_64-ebs"]}])["Images"]))
    expect(found["name"] == newest or "kernel" in found["name"], (found, newest))
    sent = bench.wire.seen[since:]
    expect([a for _, a, _ in sent] == ["GetParameter", "DescribeImages"], sent)
    expect(sent[1][2]["Owners"] == ["amazon"], sent)
    bench.wire.faults["GetParameter"] = denied
    bench.wire.faults["DescribeImages"] = images_answer()
    expect("no image named 'al2023-ami-2023.*-kernel-*-arm64'" in bench.ask("base", "al2023", "aarch64", code=6), "none")


def check_debug(bench):
    """All of the above was written down: with what was sent, without what is secret."""
    text = bench.debug.read_text(encoding="utf-8")
    for secret in (SECRET, TOKEN, "TOKEN%2F", base64.b64encode(USER_DATA.encode()).decode()[:20], "PRIVATE KEY",
                   "UFJJVkFUR"):
        expect(secret not in text, "the debug output shows " + secret)
    for shown in ("> POST http://127.0.0.1:", "> Action=RunInstances", "UserData=(hidden)", "Signature=(hidden)",
                  "X-Amz-Security-Token: (hidden)", "< 200 ", "DryRunOperation", "ClientToken=token-1",
                  "> (8388608 bytes)", '"Name": "/none"'):
        expect(shown in text, "the debug output lacks " + shown)
    expect("Signature=(hidden)" in text and "\x1b" not in text, "debug")


def main():
    bench = Bench(sys.argv[1], pathlib.Path(sys.argv[2]))
    cases = (check_network, check_groups, check_instances, check_many, check_images, check_images_made, check_users,
             check_types, check_spots,
             check_parameters, check_iam, check_prices, check_quotas, check_s3, check_s3_abort, check_bases,
             check_base_names, check_debug)
    try:
        for case in cases:
            case(bench)
            print(case.__name__)
    except Failed as problem:
        print("failed:", case.__name__, problem)
        return 1
    finally:
        bench.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
