# SPDX-License-Identifier: Apache-2.0
"""What a test may turn, and what it is where nobody did."""

DEFAULTS = {
    "pending": 1,        # describes that show a new instance as pending
    "shutting_down": 1,  # describes that show one as shutting-down before it is terminated
    "vanish": 50,        # describes after which one that is terminated is not listed any more
    "image_pending": 1,  # describes that show a new image as pending
    "image_fails": "",   # why new images fail in the end, where they do
    "snapshot_pending": 1,  # describes that show a new snapshot as pending
    "snapshot_fails": False,  # new snapshots fail in the end
    "snapshot_seconds": 0,  # that it is pending at least
    "roots": "",         # pattern of names of images whose machines have a root of their own
    "unseen": 0,         # calls that name a new resource, or list instances, and are not shown it
    "spot": {},          # {"c7a.large": {"us-east-1a": "0.0312"}}: prices of spot instances
    "on_demand": {},     # {"c7a.large": "0.1"}
    "quotas": {},        # {"L-34B43A08": 64}
    "shortages": [],     # [{"type": pattern, "zone": pattern, "market": "spot"}]: no capacity
    "caller": None,      # what /checkip says instead of the caller's address
    "clock": 0,          # seconds that the service's clock is ahead
    "deaf": 0,           # connections that a new machine closes at once, as one that still boots
    "blocked": "silent", # what a connection meets that no rule allows: "silent" or "reset"
}


class Knobs(dict):
    """Values by name; an unknown name is an error."""

    def __init__(self):
        super().__init__()
        self.reset()

    def reset(self):
        self.clear()
        self.update({key: type(value)(value) if isinstance(value, (dict, list)) else value
                     for key, value in DEFAULTS.items()})

    def turn(self, values):
        for name in values:
            if name not in DEFAULTS:
                raise ValueError(f"knob '{name}': one of {', '.join(DEFAULTS)}")
        self.update(values)
