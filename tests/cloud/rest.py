# SPDX-License-Identifier: Apache-2.0
"""The names of calls whose protocol has none but a method and a path, by botocore's models."""

import functools
import re
import urllib.parse

import botocore.session

SERVICES = ("ebs", "batch")


@functools.cache
def table(service):
    """[(method, expression for the path, action)]; its groups are the members of the path."""
    model = botocore.session.get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0]
        for member, shape in operation.input_shape.members.items() if operation.input_shape else ():
            place = shape.serialization.get("name")
            if shape.serialization.get("location") == "uri":
                path = path.replace(f"{{{place}}}", f"(?P<{member}>[^/]+)")
        found.append((operation.http["method"], re.compile(path), name))
    return found


def call(request):
    """(action or None, {member: value} of its path)"""
    if request.service not in SERVICES:
        return None, {}
    for method, path, name in table(request.service):
        match = request.method == method and path.fullmatch(request.path)
        if match:
            return name, {k: urllib.parse.unquote(v) for k, v in match.groupdict().items()}
    return None, {}
