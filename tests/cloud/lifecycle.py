# SPDX-License-Identifier: Apache-2.0
"""Instances of moto that come and go as those of EC2 do: by steps, each seen by a
number of describes rather than after a time, so that no test has to wait."""

import itertools
import secrets

import moto.ec2.models.elastic_network_interfaces as interfaces
import moto.ec2.models.instances as instances
import moto.ec2.models.subnets as subnets
import moto.ec2.responses.instances as instance_calls
from moto.ec2.models import ec2_backends

PENDING, RUNNING, SHUTTING, TERMINATED = (
    ("pending", 0), ("running", 16), ("shutting-down", 32), ("terminated", 48))


class Lifecycle:
    """Patches moto once. workers: told of each instance that runs or ends."""

    def __init__(self, knobs, workers):
        self.knobs = knobs
        self.workers = workers
        self.addresses = itertools.count()
        self.frozen = False
        self.unseen = {}  # {id: calls that are still told that there is none}
        self.patch_addresses()
        self.patch_instance()
        self.patch_calls()

    def reset(self):
        self.unseen.clear()

    def address(self, network):
        """Of the networks 127.64 and 127.65, reachable on loopback."""
        number = next(self.addresses) % 60000
        return f"127.{network}.{number // 250}.{number % 250 + 1}"

    def patch_addresses(self):
        interfaces.random_public_ip = lambda: self.address(64)
        instances.random_private_ip = lambda *_: self.address(65)
        subnets.Subnet.get_available_subnet_ip = lambda _subnet, instance: self.address(65)

    def born(self, name):
        if self.knobs["unseen"]:
            self.unseen[name] = self.knobs["unseen"]

    def is_seen(self, name):
        """By a call that names it, or lists it; False: it counts as one that was told that there is none."""
        left = self.unseen.get(name, 0)
        if left > 1:
            self.unseen[name] = left - 1
        else:
            self.unseen.pop(name, None)
        return left == 0

    def patch_instance(self):
        cls = instances.Instance
        init, terminate, stop, start = cls.__init__, cls.terminate, cls.stop, cls.start

        def new(instance, *args, **more):
            init(instance, *args, **more)
            instance._state = instances.InstanceState(*PENDING)
            instance.lab_left = self.knobs["pending"]
            for nic in instance.nics.values():
                nic.delete_on_termination = True
            groups = instance.nics[0].group_set
            if not instance.security_groups:
                instance.security_groups = list(groups)
            if more.get("instance_market_options"):
                instance.spot_instance_request_id = "sir-" + secrets.token_hex(4)
            self.born(instance.id)

        def end(instance):
            before = instances.InstanceState(*PENDING)
            before.name, before.code = instance._state.name, instance._state.code
            if before.name in ("shutting-down", "terminated"):
                return before
            terminate(instance)
            set_state(instance, SHUTTING)
            instance.lab_left = self.knobs["shutting_down"]
            self.workers.close(instance.id)
            return before

        def halt(instance):
            self.workers.close(instance.id)
            return stop(instance)

        def again(instance):
            before = start(instance)
            set_state(instance, PENDING)
            instance.lab_left = self.knobs["pending"]
            return before

        def reboot(instance):
            self.workers.reboot(instance.id)

        cls.__init__, cls.terminate, cls.stop, cls.start, cls.reboot = new, end, halt, again, reboot

    def tick(self, backend):
        """Before a describe: what it shows is one step further."""
        if self.frozen:
            return
        for reservation in list(backend.reservations.values()):
            for instance in list(reservation.instances):
                self.step(reservation, instance)

    def step(self, reservation, instance):
        name = instance._state.name
        if name not in ("pending", "shutting-down", "terminated"):
            return
        if instance.lab_left > 0:
            instance.lab_left -= 1
        elif name == "pending":
            set_state(instance, RUNNING)
            self.workers.open(instance)
        elif name == "shutting-down":
            set_state(instance, TERMINATED)
            instance.lab_left = self.knobs["vanish"]
        else:
            reservation.instances.remove(instance)

    def patch_calls(self):
        calls = instance_calls.InstanceResponse
        for name in ("describe_instances", "describe_instance_status"):
            def ticking(call, inner=getattr(calls, name)):
                self.tick(call.ec2_backend)
                return inner(call)
            setattr(calls, name, ticking)
        listing = instances.InstanceBackend.describe_instances

        def seen(backend, filters=None):
            found = listing(backend, filters)
            for reservation in found:
                reservation.instances = [i for i in reservation.instances
                                         if self.frozen or self.is_seen(i.id)]
            return [r for r in found if r.instances]

        instances.InstanceBackend.describe_instances = seen


def set_state(instance, state):
    instance._state.name, instance._state.code = state


def find(name):
    """An instance of any region; None: there is none."""
    for regions in list(ec2_backends.values()):
        for backend in list(regions.values()):
            for reservation in list(backend.reservations.values()):
                for instance in reservation.instances:
                    if instance.id == name:
                        return instance
    return None
