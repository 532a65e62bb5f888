#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""families.py CONTROLLER DIR: the processors of our table beside what EC2 says of each instance type
(recorded by moto from DescribeInstanceTypes): the architecture and the maker must be the same."""

import gzip
import json
import os
import subprocess
import sys

import moto

INTEL = {"sandybridge", "ivybridge", "haswell", "broadwell", "skylake-avx512", "cascadelake",
         "icelake-server", "sapphirerapids", "emeraldrapids", "graniterapids"}


def recorded():
    path = os.path.join(os.path.dirname(moto.__file__), "ec2/resources/instance_types.json")
    if os.path.exists(path):
        return json.load(open(path, encoding="utf-8"))
    return json.load(gzip.open(path + ".gz"))


def ours(controller, folder, target):
    with open(os.path.join(folder, "shared-prep.ini"), "w", encoding="utf-8") as f:
        f.write(f"[project]\nname=p\n[app a]\nsource=src\nscript=build\ntargets={target}\n")
    done = subprocess.run([controller, "validate", "--json", folder], capture_output=True, check=False)
    return json.loads(done.stdout)["archives"][0] if done.returncode == 0 else None


def maker(march):
    if march.startswith("znver"):
        return "AMD"
    return "Intel" if march in INTEL else "AWS"


def main():
    controller, folder = sys.argv[1:]
    os.makedirs(os.path.join(folder, "src"))
    with open(os.path.join(folder, "src/build"), "w", encoding="utf-8") as f:
        os.chmod(f.fileno(), 0o755)
    wrong, families = [], {}
    for name, said in recorded().items():
        families.setdefault(name.split(".")[0], said["ProcessorInfo"])
    known = 0
    for family, said in sorted(families.items()):
        target = ours(controller, folder, family)
        if not target:
            continue
        known += 1
        arch = {"x86_64": "x86_64", "aarch64": "arm64"}[target["arch"]]
        if arch not in said["SupportedArchitectures"] or maker(target["march"]) != said.get("Manufacturer"):
            wrong.append(f"{family}: {target['arch']} {target['march']}, EC2: {said}")
    print("\n".join(wrong))
    print(f"{known} of {len(families)} families are known")
    return 1 if wrong or known < 100 else 0


sys.exit(main())
