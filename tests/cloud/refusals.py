# SPDX-License-Identifier: Apache-2.0
"""What EC2 refuses and moto does not: groups in use, names taken, zones that are full, bids that
are too low, client tokens used for something else."""

import fnmatch

import moto.ec2.models.instances as instances
import moto.ec2.models.security_groups as groups
import moto.ec2.responses.instances as instance_calls
import moto.ec2.responses.spot_instances as spot_calls
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError

import money

STATUS = {"InsufficientInstanceCapacity": 500}
PREFIXES = {"i": "InvalidInstanceID.NotFound", "sg": "InvalidGroup.NotFound",
            "ami": "InvalidAMIID.NotFound", "snap": "InvalidSnapshot.NotFound",
            "lt": "InvalidLaunchTemplateId.NotFound", "vol": "InvalidVolume.NotFound"}


class Refusals:
    """Patches moto once."""

    def __init__(self, knobs):
        self.knobs = knobs
        self.bid = None
        self.patch_groups()
        self.patch_run()
        self.patch_prices()

    @staticmethod
    def patch_groups():
        delete = groups.SecurityGroupBackend.delete_security_group

        def checked(backend, name=None, group_id=None):
            group = backend.get_security_group_by_name_or_id(group_id or name)
            for reservation in backend.reservations.values():
                for instance in reservation.instances:
                    used = set(instance.security_groups) | set(instance.nics[0].group_set)
                    if instance._state.name != "terminated" and group in used:
                        raise EC2ClientError("DependencyViolation",
                                             f"resource {group.id} has a dependent object")
            return delete(backend, name, group_id)

        groups.SecurityGroupBackend.delete_security_group = checked

    def full(self, kind, zone, market):
        return any(fnmatch.fnmatchcase(kind, s.get("type", "*"))
                   and fnmatch.fnmatchcase(zone, s.get("zone", "*"))
                   and s.get("market", market) == market for s in self.knobs["shortages"])

    def choose_zone(self, backend, more):
        """Where it is to run: as asked, else the first zone that has room."""
        kind = more["instance_type"]
        market = "spot" if more.get("instance_market_options") else "on-demand"
        zones = [zone for k, zone in sorted(money.offered(backend.region_name)) if k == kind]
        subnet = more.get("subnet_id") or next(
            (n["SubnetId"] for n in more.get("nics") or [] if "SubnetId" in n), None)
        asked = backend.get_subnet(subnet).availability_zone if subnet else more.get("placement")
        if asked and asked not in zones:
            raise EC2ClientError(
                "Unsupported", f"Your requested instance type ({kind}) is not supported in your requested "
                f"Availability Zone ({asked}). Please retry your request by not specifying an "
                f"Availability Zone or choosing {', '.join(zones)}.")
        room = [z for z in ([asked] if asked else zones) if not self.full(kind, z, market)]
        if not room:
            raise EC2ClientError(
                "InsufficientInstanceCapacity", f"We currently do not have sufficient {kind} capacity in "
                f"the Availability Zone you requested ({asked or 'any'}).")
        if market == "spot" and self.bid and float(self.bid) < float(money.spot(self.knobs, kind, room[0])):
            raise EC2ClientError(
                "SpotMaxPriceTooLow", f"Your Spot request price of {self.bid} is lower than the minimum "
                f"required Spot request fulfillment price of {money.spot(self.knobs, kind, room[0])}.")
        return None if subnet else room[0]

    def patch_run(self):
        run, call = instances.InstanceBackend.run_instances, instance_calls.InstanceResponse.run_instances

        def checked(backend, image_id, count, user_data, security_group_names, **more):
            if more["instance_type"] in money.INSTANCE_TYPES:
                more["placement"] = self.choose_zone(backend, more)
            return run(backend, image_id, count, user_data, security_group_names, **more)

        def remembered(request):
            self.bid = request._get_param("InstanceMarketOptions.SpotOptions.MaxPrice")
            return call(request)

        instances.InstanceBackend.run_instances = checked
        instance_calls.InstanceResponse.run_instances = remembered

    def patch_prices(self):
        def history(call):
            filters = call._filters_from_querystring()
            kinds = call._get_param("InstanceTypes", []) or filters.get("instance-type", [])
            zone = call._get_param("AvailabilityZone")
            zones = [zone] if zone else filters.get("availability-zone", ["*"])
            products = call._get_param("ProductDescriptions", []) or filters.get("product-description", [])
            found = [{"InstanceType": kind, "ProductDescription": "Linux/UNIX", "AvailabilityZone": z,
                      "SpotPrice": money.spot(self.knobs, kind, z), "Timestamp": utcnow()}
                     for kind, z in sorted(money.offered(call.region))
                     if (not kinds or kind in kinds) and any(fnmatch.fnmatchcase(z, p) for p in zones)
                     and (not products or any(fnmatch.fnmatchcase("Linux/UNIX", p) for p in products))]
            start = int(call._get_param("NextToken") or 0)
            size = int(call._get_param("MaxResults") or 1000)
            token = str(start + size) if start + size < len(found) else ""
            return ActionResult({"SpotPriceHistory": found[start:start + size], "NextToken": token})

        spot_calls.SpotInstances.describe_spot_price_history = history


class Tokens:
    """Client tokens: who asks the same again gets the same answer."""

    def __init__(self):
        self.used = {}

    def reset(self):
        self.used.clear()

    @staticmethod
    def key(request):
        token = request.form.get("ClientToken")
        if request.service != "ec2" or not token or request.form.get("DryRun") == "true":
            return None
        return request.region, request.action, token

    def known(self, request):
        """(answer of the first time or None, whether the same was asked)"""
        fields, answer = self.used.get(self.key(request), (None, None))
        return answer, fields == request.form

    def keep(self, request, answer):
        if self.key(request) and answer.status == 200:
            self.used[self.key(request)] = (request.form, answer)
