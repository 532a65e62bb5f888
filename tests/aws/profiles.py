#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random files of profiles read by us and by botocore: sections, keys, tables and errors must agree.

    profiles.py PROGRAM FOLDER SEED

PROGRAM is tests/aws/profiles, FOLDER takes the files.
"""

import json
import pathlib
import random
import subprocess
import sys

import botocore.configloader
import botocore.exceptions
import botocore.session

COUNT = 400
NAMES = ("default", "profile a", "profile  a", 'profile "b c"', "profile 'b c'", "profile b\\ c",
         "profile d", "profilex d", "profile", "a", "b c", "sso-session s", "services v",
         "preview", "DEFAULT", "Default", "x] y", " a ", "profile default", "profile 'd", 'profile "d\\"')
KEYS = ("k1", "K2", "k2", "s3", "a b", "region", "k.1", "", "K1 ")
VALUES = ("v", "", "a = b", "a:b", "# no comment", "v ; w", "\"q\"", "ä漢", "  two  words  ", "[x]", "%(k1)s",
          "=", "a#b", "\t")
NESTED = ("a = 1", "B=2", "a = 3", "c =", "= d", "e = f = g", "# comment", "", "  deeper = 4", "k")


def line_of(rnd):
    what = rnd.random()
    indent = rnd.choice(("", "", "", "", " ", "\t", "    "))
    if what < 0.25:
        return indent + "[" + rnd.choice(NAMES) + "]" + rnd.choice(("", "", " # c", " ; c", " x"))
    if what < 0.75:
        value = rnd.choice(VALUES)
        lines = [indent + rnd.choice(KEYS) + rnd.choice(("=", " = ", ":", " : ", "=  ")) + value]
        if rnd.random() < 0.3:
            lines += [rnd.choice(("  ", "\t", "     ")) + rnd.choice(NESTED[:6] if rnd.random() < 0.8 else NESTED)
                      for _ in range(rnd.randint(1, 4))]
        return "\n".join(lines)
    if what < 0.85:
        return indent + rnd.choice(("# comment", "; comment", "#", "  # deep"))
    if what < 0.97:
        return rnd.choice(("", "", "   ", "\t"))
    return indent + rnd.choice(("junk", "]", "[]", "[", "no value here"))


def file_of(rnd):
    """Mostly right: what is wrong ends the reading, so that little would be compared."""
    lines = ["[" + rnd.choice(NAMES) + "]"] if rnd.random() < 0.95 else []
    lines += [line_of(rnd) for _ in range(rnd.choice((1, 2, 4, 6, 9)))]
    text = rnd.choice(("\n", "\n", "\n", "\r\n", "\r")).join("\n".join(lines).split("\n"))
    return (text + rnd.choice(("", "\n", "\n\n"))).encode() + (b"\xff" if rnd.random() < 0.01 else b"")


def read_by_botocore(config, credentials):
    try:
        sections = botocore.configloader.raw_config_parse(str(config))
        session = botocore.session.Session()
        session.set_config_variable("config_file", str(config))
        session.set_config_variable("credentials_file", str(credentials))
        profiles = session.full_config["profiles"]
    except botocore.exceptions.ConfigParseError:
        return None
    answers = {name: {k: v for k, v in profiles[name].items() if k in ("k1", "k2", "s3") and isinstance(v, str)}
               for name in ("default", "a", "b c", "d") if name in profiles}
    return {"sections": sections, "profiles": answers}


def main():
    program, folder, seed = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    print("seed", seed)
    rnd = random.Random(seed)
    paths = []
    for number in range(COUNT):
        for kind in ("config", "credentials"):
            path = folder / f"{number}.{kind}"
            path.write_bytes(file_of(rnd) if kind == "config" or rnd.random() < 0.3 else b"[a]\nk1=c\n")
            paths.append(path)
    ours = json.loads(subprocess.run([program, *map(str, paths)], check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL).stdout)
    wrong = refused = 0
    for number, mine in enumerate(ours):
        config, credentials = paths[2 * number:2 * number + 2]
        theirs = read_by_botocore(config, credentials)
        refused += theirs is None
        if mine != theirs:
            wrong += 1
            print(f"{number}: {config.read_bytes()}\n{credentials.read_bytes()}\nours {mine}\nbotocore {theirs}")
    print(f"{len(ours)} pairs of files, {refused} refused by botocore, {wrong} differ")
    return 1 if wrong or len(ours) != COUNT or refused > COUNT * 3 // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
