# SPDX-License-Identifier: Apache-2.0
"""The application: everything a request passes on its way to moto and back."""

import collections
import io
import re
import sys
import threading
import time
import traceback

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

import amis
import disks
import ebs
import faults
import images
import knobs
import lifecycle
import money
import refusals
import signature
import snapshots
import volumes
import wire
import workers

AMAZON = ("Boto3", "aws-cli")  # clients that are not on trial
WITNESS = "cloud-witness"  # what witness.py adds to its user agent
PEER_WENT = ("ConnectionResetError", "BrokenPipeError", "ConnectionError", "TimeoutError", "ssl.",
             "ConnectionAbortedError")


def call_moto(application, request):
    """moto's answer, as it is."""
    path, _, query = request.target.partition("?")
    environ = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": wire.urllib.parse.unquote(path, "latin-1"),
        "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "RAW_URI": request.target,
        "REQUEST_URI": request.target, "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(request.body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.body)), "REMOTE_ADDR": request.peer}
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    said = []
    body = b"".join(application(environ, lambda status, headers, *_: said.extend((status, headers))))
    headers = [(n, v) for n, v in said[1] if n.lower() not in ("content-length", "content-type", "connection", "date",
                                                               "server")]
    kind = next((v for n, v in said[1] if n.lower() == "content-type"), "text/plain")
    return wire.Answer(int(said[0].split()[0]), kind, body, headers)


class Cloud:
    """One account. secrets: as signature.Arbiter has them. folder: where workers keep their files. root:
    of disks.Disks"""

    def __init__(self, secrets, folder, root=None):
        self.knobs = knobs.Knobs()
        self.arbiter = signature.Arbiter(secrets)
        self.faults = faults.Faults()
        self.disks = disks.Disks(folder, root)
        self.workers = workers.Workers(folder, self.knobs, self.disks)
        self.workers.on_power = self.power_off
        self.life = lifecycle.Lifecycle(self.knobs, self.workers)
        self.snapshots = snapshots.Snapshots(self.life)
        self.images = amis.Images(self.life)
        self.ebs = ebs.Ebs(self.snapshots)
        volumes.patch()
        self.refusals = refusals.Refusals(self.knobs)
        self.tokens = refusals.Tokens()
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()       # moto knows no threads
        self.arrived = threading.Condition()
        self.log = []
        self.wire = None      # a list: every request as it came
        self.actions = set()  # "service:Action" of clients but those of Amazon's, since the start
        self.broke = 0

    @property
    def clock(self):
        """Seconds that this service is ahead."""
        return self.knobs["clock"]

    def broken(self, trace):
        """A connection that ended badly: its client may have been killed. All else is our fault."""
        self.broke += 1
        if not trace.rstrip().rpartition("\n")[2].startswith(PEER_WENT):
            self.complain("connection", trace)

    def complain(self, what, trace):
        """The trace goes to our standard error."""
        print(trace, file=sys.stderr, flush=True)
        self.workers.problems.append(f"{what}: {trace.rstrip().rpartition(chr(10))[2]}")

    def reset(self):
        with self.lock:
            self.faults.released.set()
            self.workers.reset()
            BackendDict.reset()
            reset_model_data()
            for part in (self.knobs, self.arbiter, self.life, self.tokens, self.disks, self.ebs):
                part.reset()
            self.faults.replace([])
            self.wire = None
            with self.arrived:
                self.log.clear()

    def __call__(self, request):
        if WITNESS in (request.header("user-agent") or ""):
            return self.for_witness(request)
        entry = {"time": time.time(), "action": request.action, "service": request.service,
                 "region": request.region, "status": None, "form": {**request.form, "UserData": None}}
        with self.arrived:
            self.log.append(entry)
            if self.wire is not None:
                self.wire.append({"action": request.action, "head": [request.target, *request.headers],
                                  "body": request.body.decode("latin-1")})
            if not any(name in (request.header("user-agent") or "") for name in AMAZON):
                self.actions.add(f"{request.service}:{request.action}")
            number = len(self.log)
            self.arrived.notify_all()
        entry["number"] = number
        answer = self.judged(request, number)
        entry["status"], entry["flaw"] = answer.status, answer.flaw
        entry["seconds"] = round(time.time() - entry["time"], 4)
        return answer

    def for_witness(self, request):
        """Looking on changes nothing and is in no log."""
        with self.lock:
            self.life.frozen = True
            try:
                return self.work(request)
            finally:
                self.life.frozen = False

    def judged(self, request, number):
        complaints = self.arbiter.complaints(request, time.time() + self.clock)
        if complaints:
            self.arbiter.refused.append({"number": number, "action": request.action,
                                         "complaints": complaints})
            return self.refuse(request, complaints)
        fault = self.faults.find(request, number)
        right = None
        if fault:
            self.faults.wait(fault)
            if not fault.after and (early := fault.answer(request, None)):
                return early
        with self.lock:
            right = self.work(request)
        return fault.answer(request, right) if fault and fault.after else right

    @staticmethod
    def refuse(request, complaints):
        """As AWS would for the first of them."""
        skewed = "RequestTimeTooSkewed" in complaints
        if request.is_json:
            return wire.error(request, 400, "InvalidSignatureException",
                              "Signature not yet current" if skewed else "; ".join(complaints))
        if request.service == "ec2":
            return wire.error(request, *((400, "RequestExpired") if skewed else (401, "AuthFailure")),
                              "AWS was not able to validate the provided access credentials")
        code = "RequestTimeTooSkewed" if skewed and request.service == "s3" else "SignatureDoesNotMatch"
        return wire.error(request, 403, code, "; ".join(complaints))

    def work(self, request):
        """The right answer."""
        answer, same = self.tokens.known(request)
        if answer and not same:
            return wire.error(request, 400, "IdempotentParameterMismatch",
                              "The request uses the same client token as a previous, but non-identical request.")
        if answer:
            return answer
        answer = self.not_seen_yet(request) or self.beside_moto(request) or self.by_moto(request)
        if request.service == "ec2":
            answer = self.as_ec2(request, answer)
        if request.service == "sts":
            self.arbiter.learn(answer.body)
        self.tokens.keep(request, answer)
        return answer

    def by_moto(self, request):
        """What it cannot do it answers with a page, as its own server does."""
        try:
            return call_moto(self.moto, request)
        except Exception:  # pylint: disable=broad-except
            self.complain(request.action, traceback.format_exc())
            return wire.Answer(500, "text/html", faults.PAGE.encode())

    def not_seen_yet(self, request):
        """A new resource that is named too early."""
        if request.service != "ec2":
            return None
        for field, value in request.form.items():
            if field.startswith("Filter.") or self.life.is_seen(value):
                continue
            code = refusals.PREFIXES[value.partition("-")[0]]
            return wire.error(request, 400, code, f"The ID '{value}' does not exist")
        return None

    def beside_moto(self, request):
        """What moto does not have, or not well; None: moto is to answer."""
        form, action, answer = request.form, request.action, None
        if request.service == "ebs":
            return self.ebs.answer(request)
        if request.service == "ssm":
            answer = images.answer(action, form, request.region)
        elif request.service == "servicequotas":
            answer = money.quota_answer(self.knobs, action, form, request.region)
        elif request.service == "pricing":
            answer = money.price_answer(self.knobs, action, form)
        if answer and "error" in answer:
            return wire.error(request, 400, answer["error"], "")
        return answer and wire.document(answer, wire.JSON_TYPE)

    def as_ec2(self, request, answer):
        """Where moto's answer is not EC2's."""
        if answer.status == 200 and request.form.get("DryRun") == "true":
            return wire.error(request, 412, "DryRunOperation",
                              "Request would have succeeded, but DryRun flag is set.")
        code = re.search(rb"<Code>([^<]+)</Code>", answer.body) if answer.status == 400 else None
        if code:
            answer.status = refusals.STATUS.get(code[1].decode(), 400)
        made = re.search(rb"<groupId>(sg-[0-9a-f]+)</groupId>", answer.body)
        if request.action == "CreateSecurityGroup" and made:
            self.life.born(made[1].decode())
        return answer

    def power_off(self, name, reason="Client.InstanceInitiatedShutdown"):
        """An instance that ended by itself, or that AWS took."""
        with self.lock:
            instance = lifecycle.find(name)
            if not instance or instance._state.name != "running":
                return
            if instance.instance_initiated_shutdown_behavior == "terminate" or reason.startswith("Server."):
                instance.terminate()
            else:
                instance.stop()
            instance.state_reason.code = reason
            instance.state_reason.message = f"{reason}: Instance initiated shutdown"

    def report(self):
        """All that a test may want to know."""
        with self.arrived:
            log = list(self.log)
        return {"requests": len(log), "counts": collections.Counter(entry["action"] for entry in log), "actions": sorted(self.actions),
                "refused": self.arbiter.refused, "faults_left": self.faults.left(), "held": self.faults.held,
                "knobs": self.knobs, "broken": self.broke, "problems": self.workers.problems,
                "regions": sorted({entry["region"] for entry in log if entry["region"]}),
                "snapshots": {name: {"layers": c.layers and list(map(str, c.layers)), "frozen": c.frozen,
                                     **self.ebs.report(name)} for name, c in list(self.disks.contents.items())},
                "workers": {name: w.report() for name, w in list(self.workers.workers.items())}}
