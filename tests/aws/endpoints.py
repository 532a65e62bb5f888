#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Endpoints by us and by botocore's rules: every service, every region that botocore knows of our
partitions, all four kinds; and every place an address may be configured in, in random company.

    endpoints.py PROGRAM FOLDER SEED

PROGRAM is tests/aws/endpoints, FOLDER takes the files.
"""

import itertools
import json
import os
import pathlib
import random
import subprocess
import sys

import botocore.configprovider
import botocore.endpoint_provider
import botocore.exceptions
import botocore.loaders
import botocore.session

SERVICES = ("autoscaling", "batch", "ebs", "ec2", "ecr", "iam", "pricing", "s3", "service-quotas", "ssm", "sso", "sts")
SIGNING = {"service-quotas": "servicequotas", "sso": "awsssoportal"}
UNKNOWN = ["us-west-99", "xx-somewhere-1"]
CONFIGURED = 400


def regions():
    data = botocore.loaders.Loader().load_data("endpoints")
    return UNKNOWN + [region for partition in data["partitions"] if partition["partition"] in
                      ("aws", "aws-cn", "aws-us-gov") for region in partition["regions"]]


def by_rules():
    loader = botocore.loaders.Loader()
    partitions = loader.load_data("partitions")
    for service in SERVICES:
        rules = botocore.endpoint_provider.EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region, fips, dual in itertools.product(regions(), (False, True), (False, True)):
            if region.startswith("cn-") and fips:  # botocore makes names up that do not exist
                want = None
            else:
                extra = {"UseGlobalEndpoint": False} if service in ("s3", "sts") else {}
                found = rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual, **extra)
                scheme = (found.properties.get("authSchemes") or [{}])[0]
                want = {"url": found.url, "region": scheme.get("signingRegion", region),
                        "service": SIGNING.get(service, service)}
            env = [f"AWS_USE_FIPS_ENDPOINT={fips}", f"AWS_USE_DUALSTACK_ENDPOINT={str(dual).lower()}"]
            yield {"service": SIGNING.get(service, service), "region": region, "env": env}, want


def configured(folder, rnd):
    for number in range(CONFIGURED):
        service = rnd.choice(SERVICES)
        name = {"autoscaling": "auto_scaling"}.get(service, service.replace("-", "_"))
        config = folder / f"config.{number}"
        text = "[profile p]\n"
        if rnd.random() < 0.5:
            text += "endpoint_url = https://profile.example.com\n"
        if rnd.random() < 0.6:
            text += "services = s\n"
        if rnd.random() < 0.8:
            text += "[services s]\n" + f"{rnd.choice((name, name, 'other'))} =\n  endpoint_url = https://section.example.com\n"
        config.write_text(text, encoding="ascii")
        env = {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "p"}
        if rnd.random() < 0.3:
            env["AWS_ENDPOINT_URL"] = "https://all.example.com"
        if rnd.random() < 0.3:
            env["AWS_ENDPOINT_URL_" + name.upper()] = "http://127.0.0.1:5000"
        session = botocore.session.Session(profile="p")
        session.set_config_variable("config_file", str(config))
        session.set_config_variable("credentials_file", os.devnull)
        provider = botocore.configprovider.ConfiguredEndpointProvider(
            session.full_config, session.get_scoped_config(), service, env)
        try:
            want = provider.provide() or "rules"
        except botocore.exceptions.InvalidConfigError:
            want = None
        if rnd.random() < 0.1:
            env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
            want = "rules"
        yield {"service": SIGNING.get(service, service), "region": "eu-west-1",
               "env": [f"{k}={v}" for k, v in env.items()]}, want


def main():
    program, folder, seed = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    print("seed", seed)
    cases = [*by_rules(), *configured(folder, random.Random(seed))]
    ours = json.loads(subprocess.run([program], input=json.dumps([c for c, _ in cases]).encode(), check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    wrong = 0
    for (case, want), mine in zip(cases, ours, strict=True):
        if isinstance(want, str):
            good = mine and (".amazonaws.com" in mine["url"] if want == "rules" else mine["url"] == want)
        else:
            good = mine == want
        if not good:
            wrong += 1
            print(case, "ours", mine, "botocore", want)
    print(f"{len(ours)} endpoints, {wrong} differ")
    return 1 if wrong or len(ours) < 1500 else 0


if __name__ == "__main__":
    sys.exit(main())
