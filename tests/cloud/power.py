# SPDX-License-Identifier: Apache-2.0
"""What shutdown(8) and its like would do, from the words they were called with."""

import re

UNITS_OF = "/run/systemd/system/"
WORDS = {"poweroff": "off", "halt": "off", "reboot": "reboot", "kexec": "reboot"}
UNITS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}


def after(text):
    """Seconds of systemd.time(7), a simple one; None: not understood."""
    match = re.fullmatch(r"(\d+) ?([a-z]*)", text)
    return int(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else None


def shutdown(words):
    """("off" or "reboot" or "cancel", seconds), as shutdown(8) has it."""
    what, when = "off", "+1"
    for word in words:
        if word in ("-c", "--cancel"):
            return "cancel", 0
        if word in ("-r", "--reboot"):
            what = "reboot"
        elif word == "now" or re.fullmatch(r"\+?\d+", word):
            when = word
            break
        elif not word.startswith("-"):
            return None
    return what, 0 if when == "now" else int(when.lstrip("+")) * 60


def setting(text, name):
    match = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
    return match[1] if match else ""


def timer(verb, unit, read):
    """A timer and its service, which are the worker's own."""
    if verb == "stop":
        return "cancel", 0
    inner = meaning(plain(setting(read(UNITS_OF + unit + ".service"), "ExecStart")), read)
    delay = after(setting(read(UNITS_OF + unit + ".timer"), "OnActiveSec"))
    return (inner[0], inner[1] + delay) if inner and delay is not None and verb in ("start", "restart") else None


def plain(line):
    """The program without its path."""
    program, _, rest = line.partition(" ")
    return f"{program.rpartition('/')[2]} {rest}".strip()


def meaning(line, read):
    """What the call comes to: (verb, seconds), None where it ends nothing. read: the text of a file of
    the worker's, "" where there is none"""
    if not line:
        return None
    name, *words = line.split()
    if name == "shutdown":
        return shutdown(words)
    if name in WORDS:
        return WORDS[name], 0
    if name == "systemctl":
        verbs = [w for w in words if not w.startswith("-")]
        if len(verbs) == 2 and verbs[1].endswith(".timer"):
            return timer(verbs[0], verbs[1].removesuffix(".timer"), read)
        return (WORDS[verbs[0]], 0) if verbs and verbs[0] in WORDS else None
    delay, rest = 0, []
    for index, word in enumerate(words):
        if word.startswith("--on-active="):
            delay = after(word.partition("=")[2])
        if not word.startswith("-"):
            rest = words[index:]
            break
    inner = meaning(plain(" ".join(rest)), read) if rest and delay is not None else None
    return inner and (inner[0], inner[1] + delay)
