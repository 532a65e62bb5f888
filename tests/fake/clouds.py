# SPDX-License-Identifier: Apache-2.0
"""What each cloud's metadata service serves when all is well, and what it refuses."""

import json
import time

EC2 = {
    "/latest/dynamic/instance-identity/document": json.dumps({
        "accountId": "123456789012",
        "architecture": "x86_64",
        "availabilityZone": "eu-central-1b",
        "billingProducts": None,
        "imageId": "ami-0abcdef1234567890",
        "instanceId": "i-0123456789abcdef0",
        "instanceType": "c5n.18xlarge",
        "pendingTime": "2025-01-01T00:00:00Z",
        "privateIp": "10.0.0.7",
        "region": "eu-central-1",
        "version": "2017-09-30",
    }, indent=2),
    "/latest/meta-data/ami-id": "ami-0abcdef1234567890",
    "/latest/meta-data/instance-id": "i-0123456789abcdef0",
    "/latest/meta-data/instance-life-cycle": "spot",
    "/latest/meta-data/instance-type": "c5n.18xlarge",
    "/latest/meta-data/placement/availability-zone": "eu-central-1b",
    "/latest/meta-data/placement/region": "eu-central-1",
    "/latest/meta-data/tags/instance": "Name",
    "/latest/meta-data/tags/instance/Name": "worker",
    "/latest/meta-data/events/maintenance/scheduled": "[]",
}

AZURE = {
    "/metadata/instance/compute": json.dumps({
        "azEnvironment": "AzurePublicCloud",
        "location": "westeurope",
        "name": "worker",
        "priority": "Spot",
        "storageProfile": {"imageReference": {
            "id": "", "publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server",
            "version": "24.04.202501010"}},
        "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6",
        "vmSize": "Standard_HB120rs_v3",
        "zone": "1",
    }),
    "/metadata/scheduledevents": json.dumps({"DocumentIncarnation": 0, "Events": []}),
}

GCP = {
    "/computeMetadata/v1/instance/": json.dumps({
        "attributes": {},
        "hostname": "worker.c.project.internal",
        "id": 7463926492639264926,
        "image": "projects/debian-cloud/global/images/debian-12-bookworm-v20250101",
        "machineType": "projects/123456789/machineTypes/c3-highcpu-176",
        "preempted": "FALSE",
        "scheduling": {"automaticRestart": "FALSE", "onHostMaintenance": "TERMINATE",
                       "preemptible": "TRUE"},
        "zone": "projects/123456789/zones/europe-west4-b",
    }),
    "/computeMetadata/v1/instance/preempted": "FALSE",
}

CLOUDS = {"ec2": EC2, "azure": AZURE, "gcp": GCP}


def iso(when):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def http_date(when):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(when))


def announce_ec2(kind, when):
    meta = "/latest/meta-data/"
    if kind in ("terminate", "stop", "hibernate"):
        return {meta + "spot/instance-action": json.dumps({"action": kind, "time": iso(when)})}
    if kind == "rebalance":
        return {meta + "events/recommendations/rebalance": json.dumps({"noticeTime": iso(when)})}
    if kind == "scheduled":
        event = {"NotBefore": http_date(when)[5:], "Code": "system-reboot",
                 "Description": "scheduled reboot", "EventId": "instance-event-0d59937288b749b32",
                 "NotAfter": http_date(when + 3600)[5:], "State": "active"}
        return {meta + "events/maintenance/scheduled": json.dumps([event])}
    if kind == "asg":
        return {meta + "autoscaling/target-lifecycle-state": "Terminated"}
    return None


def announce_azure(kind, when):
    kinds = {"preempt": "Preempt", "terminate": "Terminate", "scheduled": "Reboot"}
    if kind not in kinds:
        return None
    event = {"EventId": "602d9444-d2cd-49c7-8624-8643e7171297", "EventStatus": "Scheduled",
             "EventType": kinds[kind], "ResourceType": "VirtualMachine",
             "Resources": ["other", "worker"], "NotBefore": http_date(when), "Description": "",
             "EventSource": "Platform", "DurationInSeconds": -1}
    return {"/metadata/scheduledevents":
            json.dumps({"DocumentIncarnation": 1, "Events": [event]})}


def announce_gcp(kind, _when):
    return {"/computeMetadata/v1/instance/preempted": "TRUE"} if kind == "preempt" else None


ANNOUNCE = {"ec2": announce_ec2, "azure": announce_azure, "gcp": announce_gcp}


def answer_ec2(script, request):
    if request.path == "/latest/api/token":
        ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if request.method != "PUT":
            return 405, ""
        if "x-forwarded-for" in request.headers:
            return 403, ""
        if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return 400, ""
        return 200, script.new_token(int(ttl))
    if script.token_state(request) != "valid":
        return 401, ""
    return None


def answer_azure(_script, request):
    if request.headers.get("metadata", "").lower() != "true":
        return 400, '{"error": "Bad request. Required metadata header not specified"}'
    if "api-version=" not in request.query:
        return 400, '{"error": "Bad request. api-version was not specified in the request"}'
    return None


def answer_gcp(_script, request):
    if request.headers.get("metadata-flavor") != "Google":
        return 403, "Missing Metadata-Flavor:Google header."
    return None


GUARD = {"ec2": answer_ec2, "azure": answer_azure, "gcp": answer_gcp}
