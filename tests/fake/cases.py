# SPDX-License-Identifier: Apache-2.0
"""The faults, and the named state each must end in."""

import dataclasses

EC2_FACTS = {"cloud": "ec2", "instance_type": "c5n.18xlarge", "lifecycle": "spot",
             "instance_id": "i-0123456789abcdef0", "region": "eu-central-1",
             "zone": "eu-central-1b", "image_id": "ami-0abcdef1234567890"}
DMI_FACTS = {"cloud": "ec2", "instance_type": "c5n.18xlarge", "region": None, "lifecycle": None}


@dataclasses.dataclass
class Case:
    name: str
    state: str                    # of the metadata service in the facts
    faults: tuple = ()            # of the server: PATTERN=STEPS
    server: tuple = ()            # more arguments of the server
    dmi: str = "ec2-nitro"        # the machine; "" for one with neither DMI nor hypervisor
    cloud: str = "ec2"
    timeout: float = 8            # seconds
    least: float = 0              # seconds it must take
    most: float = 0               # seconds it may take instead of the timeout
    facts: dict = None            # what must be among the facts
    requests: tuple = ()          # (least, most) number of requests
    network: str = ""             # shell commands that set up a network of its own
    arguments: tuple = ()         # more arguments of facts


DOCUMENT = "/latest/dynamic/instance-identity/document"
ANY = "*"
LO = "ip link set lo up"
IPV4 = f"{LO}; ip address add 169.254.169.254/32 dev lo"
IPV6 = f"{LO}; ip -6 address add fd00:ec2::254/128 dev lo nodad"


def no_route(kind):
    return (f"{LO}; ip route add {kind} 169.254.169.254; "
            f"ip -6 route add {kind} fd00:ec2::254")


SILENT_LINK = (f"{LO}; ip link add v0 type veth peer name v1; ip link set v0 up; "
               "ip route add 169.254.169.254 dev v0; ip -6 route add fd00:ec2::254 dev v0")

CASES = [
    Case("all well", "ok", facts=EC2_FACTS, requests=(3, 3), most=1),
    Case("late by 10 s: silent", "ok", (f"{ANY}=late:10",), timeout=20, least=9, most=14,
         facts=EC2_FACTS),
    Case("late by 10 s: refused", "ok", server=("--closed-for", "10"), timeout=20, least=9,
         most=13, facts=EC2_FACTS),
    Case("silent to the end", "timeout", (f"{ANY}=silent",), timeout=3, least=2.9,
         facts=DMI_FACTS),
    Case("document silent to the end", "timeout", (f"{DOCUMENT}=silent",), timeout=3, least=2.9),
    Case("refused to the end", "unreachable", server=("--closed-for", "60"), timeout=3, least=2.9,
         facts=DMI_FACTS, requests=(0, 0)),
    Case("401 once", "ok", (f"{DOCUMENT}=401,ok",), facts=EC2_FACTS, requests=(5, 5)),
    Case("401 for ever", "disabled", (f"{DOCUMENT}=401",), most=1, requests=(4, 4)),
    Case("401 for the token", "disabled", ("/latest/api/token=401",), most=1, requests=(1, 1)),
    Case("403", "disabled", (f"{ANY}=403",), most=1, requests=(1, 1), facts=DMI_FACTS),
    Case("403 for the document", "disabled", (f"{DOCUMENT}=403",), most=1, requests=(2, 2)),
    Case("404 then 200", "ok", (f"{DOCUMENT}=404x4,ok",), timeout=12, facts=EC2_FACTS,
         requests=(7, 7)),
    Case("404 to the deadline", "absent", (f"{DOCUMENT}=404",), timeout=3, least=2.9),
    Case("404 beyond the window of 10 s", "absent", (f"{ANY}=404",), timeout=30, least=9, most=13),
    Case("404 for the life cycle", "ok", ("*life-cycle=404",), most=1, requests=(3, 3),
         facts={**EC2_FACTS, "lifecycle": None}),
    Case("life cycle silent", "ok", ("*life-cycle=silent",), most=3,
         facts={**EC2_FACTS, "lifecycle": None}),
    Case("429 then 200", "ok", (f"{ANY}=429x3,ok",), facts=EC2_FACTS, requests=(6, 6)),
    Case("429 to the end", "timeout", (f"{ANY}=429",), timeout=3, least=2.9, requests=(3, 60)),
    Case("503 storm, then 200", "ok", (f"{ANY}=503x6,ok",), timeout=15, facts=EC2_FACTS),
    Case("503 to the end", "timeout", (f"{ANY}=503",), timeout=4, least=3.9, requests=(3, 60)),
    Case("slow by 600 ms", "ok", (f"{ANY}=slow:0.6",), facts=EC2_FACTS, requests=(3, 3)),
    Case("slow drip", "timeout", (f"{DOCUMENT}=drip:100",), timeout=4, least=3.9),
    Case("drip fast enough", "ok", (f"{DOCUMENT}=drip:0.2",), facts=EC2_FACTS),
    Case("truncated, then whole", "ok", (f"{DOCUMENT}=truncatedx2,ok",), facts=EC2_FACTS),
    Case("truncated to the end", "timeout", (f"{DOCUMENT}=truncated",), timeout=3, least=2.9),
    Case("closed and reset, then whole", "ok", (f"{ANY}=close,reset,ok",), facts=EC2_FACTS),
    Case("empty 200", "invalid", (f"{DOCUMENT}=empty",), most=4, requests=(5, 5)),
    Case("empty 200, then whole", "ok", (f"{DOCUMENT}=emptyx2,ok",), facts=EC2_FACTS),
    Case("empty token", "invalid", ("/latest/api/token=empty",), most=4),
    Case("1 GiB body", "invalid", (f"{DOCUMENT}=huge",), most=4, requests=(5, 5)),
    Case("1 GiB in chunks", "invalid", (f"{DOCUMENT}=stream",), most=5, requests=(5, 5)),
    Case("1 GiB token", "invalid", ("/latest/api/token=stream",), most=5, requests=(4, 4)),
    Case("garbage", "invalid", (f"{ANY}=garbage",), most=4),
    Case("HTTP/0.9", "invalid", (f"{DOCUMENT}=http09",), most=4),
    Case("page of a portal", "invalid", (f"{ANY}=junk",), most=4),
    Case("JSON of another kind", "invalid", (f"{DOCUMENT}=body:[1]",), most=4),
    Case("headers without end", "invalid", (f"{DOCUMENT}=flood",), most=4),
    Case("redirect", "invalid", (f"{ANY}=redirect:http://127.0.0.1:1/",), most=1,
         requests=(1, 1)),
    Case("HTTP/1.0 close", "ok", (f"{ANY}=http10",), facts=EC2_FACTS, requests=(3, 3)),
    Case("Xen", "ok", dmi="ec2-xen", facts=EC2_FACTS),
    Case("Xen by a uuid with swapped bytes", "ok", dmi="ec2-xen-uuid", facts=EC2_FACTS),
    Case("Xen without DMI", "ok", dmi="ec2-xen-pv", facts=EC2_FACTS),
    Case("Xen and 403: no type", "disabled", (f"{ANY}=403",), dmi="ec2-xen", most=1,
         facts={"cloud": "ec2", "instance_type": None}),
    Case("metal and 403: the type of DMI", "disabled", (f"{ANY}=403",), dmi="ec2-metal", most=1,
         facts={"cloud": "ec2", "instance_type": "c5.metal"}),
    Case("--instance-type over metadata", "ok", arguments=("--instance-type", "m7i.large"),
         facts={**EC2_FACTS, "instance_type": "m7i.large"}),
    Case("Azure", "ok", dmi="azure", cloud="azure", requests=(1, 1), most=1, facts={
        "cloud": "azure", "instance_type": "Standard_HB120rs_v3", "region": "westeurope",
        "zone": "westeurope-1", "lifecycle": "spot",
        "instance_id": "02aab8a4-74ef-476e-8182-f6d2ba4166a6",
        "image_id": "Canonical:ubuntu-24_04-lts:server:24.04.202501010"}),
    Case("Azure: updating, busy, then whole", "ok", (f"{ANY}=410,429,500,ok",), dmi="azure",
         cloud="azure", requests=(4, 4)),
    Case("Azure: garbage", "invalid", (f"{ANY}=junk",), dmi="azure", cloud="azure", most=4),
    Case("GCP", "ok", dmi="gcp", cloud="gcp", requests=(1, 1), most=1, facts={
        "cloud": "gcp", "instance_type": "c3-highcpu-176", "region": "europe-west4",
        "zone": "europe-west4-b", "lifecycle": "spot", "instance_id": "7463926492639264926",
        "image_id": "debian-12-bookworm-v20250101"}),
    Case("GCP: 503, then whole", "ok", (f"{ANY}=503x2,ok",), dmi="gcp", cloud="gcp",
         requests=(3, 3)),
    Case("GCP: 1 GiB body", "invalid", (f"{ANY}=stream",), dmi="gcp", cloud="gcp", most=5),
    *[Case(f"no cloud: {text}", "absent", dmi=dmi, requests=(0, 0), most=1,
           facts={"cloud": "unknown" if dmi == "" else "none", "instance_type": None})
      for dmi, text in (("qemu", "QEMU"), ("hyperv", "own Hyper-V"), ("xen", "own Xen"),
                        ("server", "a server"), ("chromebook", "a Chromebook"), ("", "no DMI"))],
    Case("the address of EC2, and no proxy", "ok", network=IPV4, facts=EC2_FACTS,
         server=("--bind", "169.254.169.254", "--port", "80"), requests=(3, 3), most=1),
    Case("the IPv6 address of EC2", "ok", network=IPV6, facts=EC2_FACTS,
         server=("--bind", "fd00:ec2::254", "--port", "80"), requests=(3, 3), most=2),
    Case("both addresses: IPv4 first", "ok", network=f"{IPV4}; {IPV6}", facts=EC2_FACTS,
         server=("--bind", "fd00:ec2::254", "--bind", "169.254.169.254", "--port", "80"),
         requests=(3, 3), most=2),
    Case("unreachable: no network at all", "unreachable", network=":", timeout=2, least=1.9,
         facts=DMI_FACTS),
    Case("unreachable by a route that says so", "unreachable", timeout=2, least=1.9,
         network=no_route("unreachable")),
    Case("unreachable by a black hole", "unreachable", timeout=2, least=1.9,
         network=no_route("blackhole")),
    Case("a link without a carrier", "timeout", timeout=2, least=1.9, network=SILENT_LINK),
]
