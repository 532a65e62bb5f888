#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What there is in the account, by boto3 and nothing of ours.

    witness.py save FILE       writes what there is
    witness.py compare FILE    prints what came to be or went since; status 1 where there is any
    witness.py                 takes such verbs from its standard input, a line each, and ends what it
                               prints for each with "status N"

Of AWS_REGION, of each other region that the lab (LAB) was asked about, and of what belongs to none.
The lab neither counts these calls nor takes one for a describe. For cases in Python, image() tells all
of one image, and by_cli() is a second opinion.
"""

import json
import os
import subprocess
import sys
import urllib.request

import boto3
import botocore.config

CONFIG = botocore.config.Config(user_agent_extra="cloud-witness", retries={"total_max_attempts": 1})
GOING = ("shutting-down", "terminated")
OWN = {"OwnerIds": ["self"]}
# (service, operation, arguments, member of the answer, name); where there are some from the start, and
# what belongs to no region
LISTS = (
    ("ec2", "describe_security_groups", {}, "SecurityGroups", "GroupId"),
    ("ec2", "describe_security_group_rules", {}, "SecurityGroupRules", "SecurityGroupRuleId"),
    ("ec2", "describe_addresses", {}, "Addresses", "AllocationId"),
    ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_vpcs", {}, "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", {}, "Subnets", "SubnetId"),
    ("iam", "list_roles", {}, "Roles", "RoleName"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles", "InstanceProfileName"),
    ("s3", "list_buckets", {}, "Buckets", "Name"),
)
# The same in each region, where there are none at first.
REGIONAL = (
    ("ec2", "describe_volumes", {}, "Volumes", "VolumeId"),
    ("ec2", "describe_key_pairs", {}, "KeyPairs", "KeyName"),
    ("ec2", "describe_images", {"Owners": ["self"]}, "Images", "ImageId"),
    ("ec2", "describe_snapshots", OWN, "Snapshots", "SnapshotId"),
    ("ec2", "describe_launch_templates", {}, "LaunchTemplates", "LaunchTemplateId"),
    ("ssm", "describe_parameters", {}, "Parameters", "Name"),
    ("autoscaling", "describe_auto_scaling_groups", {}, "AutoScalingGroups", "AutoScalingGroupName"),
    ("autoscaling", "describe_launch_configurations", {}, "LaunchConfigurations", "LaunchConfigurationName"),
    ("batch", "describe_compute_environments", {}, "computeEnvironments", "computeEnvironmentName"),
    ("batch", "describe_job_queues", {}, "jobQueues", "jobQueueName"),
)
# Those whose requests can still bring instances.
LIVE = (
    ("describe_fleets", "Fleets", "FleetId", "FleetState", ("deleted", "deleted_terminating")),
    ("describe_spot_instance_requests", "SpotInstanceRequests", "SpotInstanceRequestId", "State",
     ("cancelled", "closed", "failed")),
)


# (member of the answer, words of the AWS CLI, query)
BY_CLI = (
    ("Images", "ec2 describe-images --owners self", "Images[].ImageId"),
    ("Snapshots", "ec2 describe-snapshots --owner-ids self", "Snapshots[].SnapshotId"),
    ("Parameters", "ssm describe-parameters", "Parameters[].Name"),
)
CLIENTS = {}


def client(service, region=None):
    if (service, region) not in CLIENTS:
        CLIENTS[service, region] = boto3.client(service, region_name=region, config=CONFIG)
    return CLIENTS[service, region]


def ask(service, operation, region=None, **arguments):
    where = client(service, region)
    if where.can_paginate(operation):
        return where.get_paginator(operation).paginate(**arguments).build_full_result()
    return getattr(where, operation)(**arguments)


def other_regions():
    """That anybody has asked about since the lab's last reset."""
    if "LAB" not in os.environ:
        return []
    with urllib.request.urlopen(os.environ["LAB"] + "/lab", timeout=60) as f:
        seen = json.load(f)["regions"]
    return [region for region in seen if region != os.environ["AWS_REGION"]]


def of_region(region=None):
    """["Kind name"] of what nobody has at first; of another region its name follows."""
    mark = f" {region}" if region else ""
    found = [f"Instances {i['InstanceId']} {i['State']['Name']}{mark}"
             for r in ask("ec2", "describe_instances", region).get("Reservations", []) for i in r["Instances"]
             if i["State"]["Name"] not in GOING]
    for service, operation, arguments, member, name in REGIONAL:
        found += [f"{member} {row[name]}{mark}" for row in ask(service, operation, region, **arguments).get(member, [])]
    if region:
        groups = ask("ec2", "describe_security_groups", region)["SecurityGroups"]
        found += [f"SecurityGroups {g['GroupId']}{mark}" for g in groups if g["GroupName"] != "default"]
    return found


def everything():
    """["Kind name"], sorted."""
    found = of_region()
    for region in other_regions():
        found += of_region(region)
    for operation, member, name, state, over in LIVE:
        found += [f"{member} {row[name]}" for row in ask("ec2", operation).get(member, [])
                  if row[state] not in over]
    for service, operation, arguments, member, name in LISTS:
        found += [f"{member} {row[name]}" for row in ask(service, operation, **arguments).get(member, [])]
    return sorted(found)


def tags(row):
    return {t["Key"]: t["Value"] for t in row.get("Tags", [])}


def image(name, region=None):
    """All of it: as DescribeImages has it, but "Tags" as {key: value}; with "Accounts" that may use it
    and "Snapshots" [{…}], as DescribeSnapshots has them, with "Tags" and "Accounts" in the same way."""
    found = ask("ec2", "describe_images", region, ImageIds=[name])["Images"][0]
    where = client("ec2", region)
    rows = where.describe_image_attribute(ImageId=name, Attribute="launchPermission")["LaunchPermissions"]
    found.update(Tags=tags(found), Accounts=sorted(r.get("UserId", "all") for r in rows), Snapshots=[])
    for snapshot in [d["Ebs"]["SnapshotId"] for d in found["BlockDeviceMappings"] if "Ebs" in d]:
        row = where.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
        may = where.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
        row.update(Tags=tags(row), Accounts=sorted(r.get("UserId", "all") for r in may["CreateVolumePermissions"]))
        found["Snapshots"].append(row)
    return found


def by_cli(region=None):
    """["Kind name"] of images, snapshots and parameters, by the AWS CLI; sorted."""
    found = []
    for member, words, query in BY_CLI:
        done = subprocess.run(
            ["aws", *words.split(), "--query", query, "--output", "json", *(["--region", region] if region else [])],
            env={**os.environ, "AWS_SDK_UA_APP_ID": "cloud-witness"}, capture_output=True, check=True, timeout=60)
        found += [f"{member} {name}" for name in json.loads(done.stdout) or []]
    return sorted(found)


def do(verb, path):
    """Exit status."""
    now = everything()
    if verb == "save":
        with open(path, "w", encoding="utf-8") as f:
            json.dump(now, f)
        return 0
    with open(path, encoding="utf-8") as f:
        before = json.load(f)
    changes = [f"left: {x}" for x in now if x not in before] + [f"gone: {x}" for x in before if x not in now]
    print("".join(f"{change}\n" for change in changes), end="", flush=True)
    return 1 if changes else 0


def main():
    if len(sys.argv) == 3:
        return do(*sys.argv[1:])
    for line in sys.stdin:
        try:
            status = do(*line.split())
        except Exception as problem:  # pylint: disable=broad-except
            print(problem)
            status = 2
        print("status", status, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
