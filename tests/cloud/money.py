# SPDX-License-Identifier: Apache-2.0
"""What things cost and how many one may have: spot prices, the price list, quotas."""

import hashlib
import json

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

QUOTAS = {
    "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 256.0),
    "L-34B43A08": ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 512.0),
}
LOCATIONS = {"us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)",
             "eu-west-1": "EU (Ireland)", "eu-central-1": "EU (Frankfurt)"}
TERM, RATE = "JRTCKXETXF", "6YS6EN2CT7"


def on_demand(knobs, kind):
    """Dollars an hour for Linux, as text; about what AWS takes for a processor."""
    if kind in knobs["on_demand"]:
        return knobs["on_demand"][kind]
    processors = INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]
    return f"{processors * 0.0425:.10f}"


def spot(knobs, kind, zone):
    """Dollars an hour, as text; of zones that nobody set, the later letter costs more."""
    if zone in knobs["spot"].get(kind, {}):
        return knobs["spot"][kind][zone]
    return f"{float(on_demand(knobs, kind)) * (0.35 + 0.01 * (ord(zone[-1]) - ord('a'))):.6f}"


def offered(region):
    """{(type, zone)}"""
    rows = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return {(row["InstanceType"], row["Location"]) for row in rows}


def vcpus(kind):
    return INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]


def quota(knobs, code, region):
    name, value = QUOTAS[code]
    return {"ServiceCode": "ec2", "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{region}:123456789012:ec2/{code}",
            "QuotaCode": code, "QuotaName": name, "Value": float(knobs["quotas"].get(code, value)),
            "Unit": "None", "Adjustable": True, "GlobalQuota": False}


def quota_answer(knobs, action, form, region):
    if action == "ListServiceQuotas" and form.get("ServiceCode") == "ec2":
        return {"Quotas": [quota(knobs, code, region) for code in QUOTAS]}
    if action not in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        return None
    if form.get("ServiceCode") != "ec2" or form.get("QuotaCode") not in QUOTAS:
        return {"error": "NoSuchResourceException"}
    return {"Quota": quota(knobs, form["QuotaCode"], region)}


def product(knobs, kind, region, more):
    """One entry of the price list. more: attributes beside those of all."""
    attributes = {
        "instanceType": kind, "regionCode": region, "location": LOCATIONS.get(region, region),
        "locationType": "AWS Region", "operatingSystem": "Linux", "tenancy": "Shared",
        "preInstalledSw": "NA", "capacitystatus": "Used", "licenseModel": "No License required",
        "servicecode": "AmazonEC2", "servicename": "Amazon Elastic Compute Cloud",
        "operation": "RunInstances", "marketoption": "OnDemand", "currentGeneration": "Yes",
        "vcpu": str(vcpus(kind)), "usagetype": f"BoxUsage:{kind}", **more}
    sku = hashlib.sha256(json.dumps(attributes).encode()).hexdigest()[:16].upper()
    price = on_demand(knobs, kind)
    if attributes["capacitystatus"] == "AllocatedCapacityReservation":
        price = "0.0000000000"
    elif attributes["operatingSystem"] != "Linux":
        price = f"{float(price) + 0.046 * vcpus(kind):.10f}"
    rate = f"{sku}.{TERM}.{RATE}"
    return attributes, {
        "product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": sku},
        "serviceCode": "AmazonEC2", "version": "20250818000000",
        "publicationDate": "2025-08-18T00:00:00Z",
        "terms": {"OnDemand": {f"{sku}.{TERM}": {
            "priceDimensions": {rate: {
                "unit": "Hrs", "endRange": "Inf", "beginRange": "0", "appliesTo": [], "rateCode": rate,
                "description": f"${price} per On Demand {kind}", "pricePerUnit": {"USD": price}}},
            "sku": sku, "effectiveDate": "2025-08-01T00:00:00Z", "offerTermCode": TERM,
            "termAttributes": {}}}}}


VARIANTS = ({}, {"operatingSystem": "Windows"}, {"capacitystatus": "UnusedCapacityReservation"},
            {"capacitystatus": "AllocatedCapacityReservation"}, {"tenancy": "Dedicated"})
PAGE = 100


def price_answer(knobs, action, form):
    """GetProducts; one that filters too little gets what it did not mean too."""
    if action != "GetProducts":
        return None
    wanted = {f["Field"]: f["Value"] for f in form.get("Filters", [])}
    regions = [wanted["regionCode"]] if "regionCode" in wanted else list(LOCATIONS)
    if "location" in wanted:
        regions = [r for r in regions if LOCATIONS.get(r, r) == wanted["location"]]
    kinds = [wanted["instanceType"]] if "instanceType" in wanted else sorted(INSTANCE_TYPES)
    found = []
    for region in regions:
        here = {kind for kind, _ in offered(region)}
        for kind in (k for k in kinds if k in here):
            for more in VARIANTS:
                attributes, entry = product(knobs, kind, region, more)
                fields = {**attributes, "ServiceCode": "AmazonEC2", "productFamily": "Compute Instance"}
                if all(fields.get(name) == value for name, value in wanted.items()):
                    found.append(json.dumps(entry))
    start = int(form.get("NextToken") or 0)
    size = min(int(form.get("MaxResults") or PAGE), PAGE)
    answer = {"FormatVersion": "aws_v1", "PriceList": found[start:start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return answer
