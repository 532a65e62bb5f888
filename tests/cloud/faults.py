# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, and when: faults that a test asks for, by match.

A fault is an object:

    action     shell pattern of the action ("RunInstances", "Describe*"); "*" where left out
    where      {field of the request: shell pattern, or null: the field is absent}
    nth        the request of this number since the last reset, whatever it is
    skip       so many that match are let through first (0)
    times      then so many are hit (1); 0: all
    when       "before" (as it is where left out) or "after" the work is done
    delay      seconds before anything
    kind       one of KINDS; or by themselves:
    status, code, message, body    the answer; a body is sent as it is
    drop       true: the connection is closed without an answer
    truncate   true: half of the body of the right answer
    kill       this process gets SIGKILL, and no answer
    hold       true: waits until the test says "release"
"""

import fnmatch
import os
import signal
import threading
import time

from wire import DROPPED, Answer, error

PAGE = "<!doctype html><html><head><title>500</title></head><body>Internal Server Error</body></html>"
# {kind: (status, code for EC2 and query, code in JSON)}
KINDS = {
    "throttle": (503, "RequestLimitExceeded", "ThrottlingException"),
    "capacity": (500, "InsufficientInstanceCapacity", "InsufficientInstanceCapacity"),
    "quota": (400, "VcpuLimitExceeded", "ServiceQuotaExceededException"),
    "spot-quota": (400, "MaxSpotInstanceCountExceeded", "ServiceQuotaExceededException"),
    "expired": (400, "RequestExpired", "ExpiredTokenException"),
    "denied": (403, "UnauthorizedOperation", "AccessDeniedException"),
    "internal": (500, "InternalError", "InternalServerError"),
    "unavailable": (503, "Unavailable", "ServiceUnavailableException"),
    "html": (500, None, None),
}
FIELDS = {"action", "where", "nth", "skip", "times", "when", "delay", "kind", "status", "code",
          "message", "body", "drop", "truncate", "kill", "hold"}
HOLD = 120


class Fault:
    """One of them, with what is left of it."""

    def __init__(self, text):
        unknown = set(text) - FIELDS
        if unknown or text.get("kind", "html") not in KINDS:
            raise ValueError(f"fault {text}: {sorted(unknown) or text['kind']} is not known")
        self.text = dict(text)
        self.skip = text.get("skip", 0)
        self.left = text.get("times", 1) or float("inf")

    def matches(self, request, number):
        text = self.text
        if text.get("nth", number) != number:
            return False
        if not fnmatch.fnmatchcase(request.action, text.get("action", "*")):
            return False
        form = request.form
        return all(name not in form if pattern is None
                   else name in form and fnmatch.fnmatchcase(str(form[name]), pattern)
                   for name, pattern in text.get("where", {}).items())

    @property
    def after(self):
        return self.text.get("truncate") or self.text.get("when", "before") == "after"

    def answer(self, request, right):
        """What is sent. right: the right answer, None before the work."""
        text = self.text
        if "kill" in text:
            os.kill(text["kill"], signal.SIGKILL)
            return DROPPED
        if text.get("drop"):
            return DROPPED
        if text.get("truncate"):
            return Answer(right.status, right.kind, right.body, right.headers, "truncate")
        if text.get("kind") == "html":
            return Answer(500, "text/html", PAGE.encode())
        if "body" in text:
            return Answer(text.get("status", 200), "text/xml", text["body"].encode())
        status, code, in_json = KINDS.get(text.get("kind"), (None, None, None))
        code = in_json if code and request.is_json else code
        code, status = text.get("code", code), text.get("status", status or 400)
        if not code:
            return right
        return error(request, status, code, text.get("message", f"{code}: asked for by the test"))


class Faults:
    """All of them. One at most hits a request: the first that matches and has times left."""

    def __init__(self):
        self.lock = threading.Lock()
        self.faults = []
        self.released = threading.Event()
        self.held = 0

    def replace(self, texts):
        faults = [Fault(text) for text in texts]
        with self.lock:
            self.faults = faults
            self.released.clear()

    def find(self, request, number):
        with self.lock:
            for fault in self.faults:
                if fault.left <= 0 or not fault.matches(request, number):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.left -= 1
                return fault
        return None

    def left(self):
        """How many times are left of each; None: without end."""
        with self.lock:
            return [None if f.left == float("inf") else f.left for f in self.faults]

    def wait(self, fault):
        time.sleep(fault.text.get("delay", 0))
        if fault.text.get("hold"):
            with self.lock:
                self.held += 1
            self.released.wait(HOLD)
            with self.lock:
                self.held -= 1
