"""The list of keys that a class's instructor gives to the hub."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

from labkit.clients.sandbox_process import Sandbox
from labkit.files import write_private

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
"""A region a student: five VPCs of one account are as many as a region holds."""


def write(path: Path, sandbox: Sandbox, students: int = 5) -> None:
    """The keys of students who share one sandbox."""
    keys = sandbox.credentials()
    shared = {
        "LABKIT_AWS": "live",
        "LABKIT_DETECTION": "live",
        "AWS_ENDPOINT_URL": sandbox.url,
        "AWS_ACCESS_KEY_ID": keys["aws"]["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws"]["secret_access_key"],
        "LABKIT_DETECTION_URL": sandbox.url,
        "TS_USER_ID": keys["detection"]["user_id"],
        "TS_ORGANIZATION_ID": keys["detection"]["organization_id"],
        "TS_API_KEY": keys["detection"]["api_key"],
    }
    regions = islice(cycle(REGIONS), students)
    places = [{"LABKIT_STUDENT": n, "AWS_REGION": region, **shared} for n, region in enumerate(regions, 1)]
    blocks = ["".join(f"{name}={value}\n" for name, value in place.items()) for place in places]
    write_private(path, "\n".join(blocks))
