#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What there is in the account, by boto3 and nothing of ours.

    witness.py save FILE       writes what there is
    witness.py compare FILE    prints what came to be or went since; status 1 where there is any
    witness.py                 takes such verbs from its standard input, a line each, and ends what it
                               prints for each with "status N"

Of AWS_REGION, and what belongs to no region. The lab neither counts these calls nor takes one for a
describe.
"""

import json
import sys

import boto3
import botocore.config

CONFIG = botocore.config.Config(user_agent_extra="cloud-witness", retries={"total_max_attempts": 1})
GOING = ("shutting-down", "terminated")
OWN = {"OwnerIds": ["self"]}
# (service, operation, arguments, member of the answer, name)
LISTS = (
    ("ec2", "describe_volumes", {}, "Volumes", "VolumeId"),
    ("ec2", "describe_security_groups", {}, "SecurityGroups", "GroupId"),
    ("ec2", "describe_security_group_rules", {}, "SecurityGroupRules", "SecurityGroupRuleId"),
    ("ec2", "describe_key_pairs", {}, "KeyPairs", "KeyName"),
    ("ec2", "describe_images", {"Owners": ["self"]}, "Images", "ImageId"),
    ("ec2", "describe_snapshots", OWN, "Snapshots", "SnapshotId"),
    ("ec2", "describe_launch_templates", {}, "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_addresses", {}, "Addresses", "AllocationId"),
    ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_vpcs", {}, "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", {}, "Subnets", "SubnetId"),
    ("iam", "list_roles", {}, "Roles", "RoleName"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles", "InstanceProfileName"),
    ("ssm", "describe_parameters", {}, "Parameters", "Name"),
    ("s3", "list_buckets", {}, "Buckets", "Name"),
    ("batch", "describe_compute_environments", {}, "computeEnvironments", "computeEnvironmentName"),
    ("batch", "describe_job_queues", {}, "jobQueues", "jobQueueName"),
)
# Those whose requests can still bring instances.
LIVE = (
    ("describe_fleets", "Fleets", "FleetId", "FleetState", ("deleted", "deleted_terminating")),
    ("describe_spot_instance_requests", "SpotInstanceRequests", "SpotInstanceRequestId", "State",
     ("cancelled", "closed", "failed")),
)


CLIENTS = {}


def ask(service, operation, **arguments):
    if service not in CLIENTS:
        CLIENTS[service] = boto3.client(service, config=CONFIG)
    client = CLIENTS[service]
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**arguments).build_full_result()
    return getattr(client, operation)(**arguments)


def everything():
    """["Kind name"], sorted."""
    found = [f"Instances {i['InstanceId']} {i['State']['Name']}"
             for r in ask("ec2", "describe_instances").get("Reservations", []) for i in r["Instances"]
             if i["State"]["Name"] not in GOING]
    for operation, member, name, state, over in LIVE:
        found += [f"{member} {row[name]}" for row in ask("ec2", operation).get(member, [])
                  if row[state] not in over]
    for service, operation, arguments, member, name in LISTS:
        found += [f"{member} {row[name]}" for row in ask(service, operation, **arguments).get(member, [])]
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
