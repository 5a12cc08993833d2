"""An AWS account as the lab holds it: keys and a region, and the boto3 clients made from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from labkit.model.access_keys import AccessKeys
from labkit.model.endpoint import is_loopback

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS = 5, 20, 3


class Account:
    """Keys, a region and perhaps an endpoint, with the clients made from them once, when first used.

    Nothing but these arguments decides: no profile, no configuration file and no instance metadata is looked at.
    With no endpoint_url, `AWS_ENDPOINT_URL` counts as it does for every AWS tool. certificate: a file with the one
    certificate to trust at the endpoint; "" for those that every AWS tool trusts.
    """

    def __init__(self, keys: AccessKeys, region: str, endpoint_url: str | None = None, certificate: str = "") -> None:
        self.keys, self.region, self.endpoint_url = keys, region, endpoint_url or None
        self._certificate = certificate

    def __repr__(self) -> str:
        return f"<Account {self.keys!r} in {self.region}{' at ' + self.endpoint_url if self.endpoint_url else ''}>"

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    @cached_property
    def sts(self) -> Any:
        return self.client("sts")

    def client(self, service: str, region: str = "") -> Any:
        """A new client; `ec2` and `sts` are the ones to keep."""
        from botocore.config import Config

        return self._session.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.endpoint_url,
            verify=self._certificate or None,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                proxies={} if is_loopback(self.endpoint_url or "") else None,
                defaults_mode="legacy",  # "auto", if the environment asks for it, would look for instance metadata
            ),
        )

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            aws_session_token=self.keys.session_token or None,
            region_name=self.region,
            botocore_session=session_apart(),
        )


@dataclass(frozen=True)
class CallerIdentity:
    """Whose keys they are."""

    account: str
    arn: str
    user_id: str

    def __str__(self) -> str:
        return f"{self.arn} in account {self.account}"


def session_apart() -> Any:
    """A botocore session that looks at no profile and at no configuration file, the user's own least of all."""
    import botocore.session

    # The values are (name in the configuration file, name in the environment, default, conversion).
    no_file = (None, None, os.devnull, None)
    no_profile = (None, None, None, None)
    aside = {"profile": no_profile, "config_file": no_file, "credentials_file": no_file}
    session = botocore.session.Session(session_vars=aside)
    session.register_component("data_loader", _service_descriptions())
    return session


@cache
def _service_descriptions() -> Any:
    """botocore's loader of its descriptions of the services, shared: reading EC2's takes longer than many calls."""
    import botocore.loaders

    return botocore.loaders.create_loader()
