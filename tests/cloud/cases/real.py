# SPDX-License-Identifier: Apache-2.0
"""Two programs of the distribution, as autotools build them, for six processors with two sets of flags
each; the archives are checked by GNU tar and by the agent, the account by the AWS CLI."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from controller import Project
from lab import case, finish

TOP, BUILD = pathlib.Path(os.environ["TOP"]), pathlib.Path(os.environ["BUILD"])
CACHE = BUILD / "cache/cloud"
# target: (-march= of gcc, a feature that the one before it here has not)
TARGETS = {"x86-64-v2": ("x86-64-v2", "sse4.2"), "x86-64-v3": ("x86-64-v3", "avx2"),
           "znver2": ("znver2", "sha"), "znver3": ("znver3", "vaes"),
           "skylake-avx512": ("skylake-avx512", "avx512f"), "c6i.large": ("icelake-server", "avx512vbmi2")}
FLAGS = {"safe": "-O1", "fast": "-O2"}
# A command of the AWS CLI each: what is there.
LEFT = (("describe-instances", "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
        ("describe-security-groups", "SecurityGroups[].GroupId"), ("describe-volumes", "Volumes[].VolumeId"))
PROJECT = """[project]
name=real
provider=ec2
parallel=3
agent={agent}
[aws]
caller_address=127.0.0.1
"""
APP = """[app {name}]
source={name}
script=build
targets={targets}
flags=safe fast
level=1
"""
SCRIPT = """#!/bin/sh
set -eu
./configure -q --prefix="$PREFIX" {options}
{first}
make -s {jobs}
make -s {jobs} install
"""
# name: (options of configure, of make, what comes before that)
PACKAGES = {"libmd": ("-C --disable-shared --disable-dependency-tracking", "", ":"),
            # Its makefile cannot do two things at a time, and runs a program that it has compiled: here
            # for any processor, as this one need not be the target's.
            "mawk": ("", "-j1", "cc -I. -DHAVE_CONFIG_H -o makescan makescan.c; ./makescan >scancode.c")}


def sh(script, *words, **more):
    return subprocess.run(["bash", "-euc", script, "bash", *words], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout


def unpack(name, where):
    """With what configure finds out of this system, which all machines of the lab share, so that it is
    found out but once; where it is one that keeps all of that."""
    sh('dpkg-source -x "$1"/downloads/"$2"_*.dsc "$3"', CACHE, name, where)
    if "-C" not in PACKAGES[name][0]:
        return
    sh('./configure -q $1; sed "/^ac_cv_env_/d" config.cache >known; make -s distclean; '
       'mv known config.cache', PACKAGES[name][0], cwd=where)


def project():
    real = Project()
    shutil.rmtree(real.folder / "hello")
    text = PROJECT.format(agent=os.environ["AGENT"])
    for name, (options, jobs, first) in PACKAGES.items():
        unpack(name, real.folder / name)
        script = SCRIPT.format(options=options, jobs=jobs, first=first)
        (real.folder / name / "build").write_text(script, "ascii")
        (real.folder / name / "build").chmod(0o755)
        text += APP.format(name=name, targets=" ".join(TARGETS))
    text += "".join(f"[flags {name}]\ncflags={value}\n" for name, value in FLAGS.items())
    (real.folder / "shared-prep.ini").write_text(text, "ascii")
    return real


def by_cli():
    return [sh('aws --output json ec2 "$1" --query "$2"', *what) for what in LEFT]


def facts():
    return json.loads(sh('"$1" facts --json --no-metadata', os.environ["AGENT"]))


def check_archive(real, build, features):
    """One that build.json tells of."""
    path = real.dist / build["archive"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == build["sha256"], build
    told = json.loads(sh('"$1" verify --quiet --json "$2"', os.environ["AGENT"], path))["archives"][0]["manifest"]
    march, feature = TARGETS[build["target"]]
    assert (told["app"], told["march"], told["arch"]) == (build["app"], march, "x86_64"), told
    assert told["key"] == build["target"], told
    assert feature in told["features"], (feature, told)
    by_tar, by_agent = real.folder / "by-tar", real.folder / "by-agent"
    by_tar.mkdir()
    sh('zstd -dcq "$1" | tar -xC "$2"', path, by_tar)
    sh('"$1" unpack --quiet "$2" "$3"', os.environ["AGENT"], path, by_agent)
    sh('diff -r "$1" "$2"', by_tar, by_agent)
    ran, top = set(told["features"]) <= set(features), by_agent / path.name.removesuffix(".tar.zst")
    if ran and build["app"] == "mawk":
        assert sh('"$1/bin/mawk" "BEGIN {print 6 * 7}"', top) == "42\n", build
    if build["app"] == "libmd":
        assert "SHA256" in sh('nm "$1/lib/libmd.a"', top), build
    shutil.rmtree(by_tar)
    shutil.rmtree(by_agent)
    return ran


@case("two programs for six processors")
def programs(_lab):
    before = by_cli()
    real = project()
    real.patience = 500  # on a machine that has other work; a quiet one takes a fifth of that
    _, err = real.build()
    report = real.report()["builds"]
    assert len(report) == len(PACKAGES) * len(TARGETS) * len(FLAGS) == len(real.archives()), err
    ran = [build["target"] for build in report if check_archive(real, build, facts()["features"])]
    assert {"x86-64-v2", "x86-64-v3"} & set(ran), ran
    digests = {build["sha256"] for build in report}
    assert len(digests) == len(report), "builds of different flags are the same"
    assert by_cli() == before, by_cli()
    print(f"# {len(report)} archives, {sum(b['seconds'] for b in report):.0f} s of builds; "
          f"programs for {', '.join(sorted(set(ran)))} ran here")


finish()
