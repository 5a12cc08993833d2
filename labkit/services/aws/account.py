"""An AWS account: keys, a region, and the boto3 clients made from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from labkit.model.access_keys import AccessKeys
from labkit.model.endpoint import is_loopback
from labkit.model.errors import InvalidInput

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS = 5, 20, 3


class Account:
    """Keys, a region and an optional endpoint. Clients are made on first use and then kept.

    No profile, configuration file or instance metadata is read. Without endpoint_url, `AWS_ENDPOINT_URL` applies, as
    for every AWS tool. certificate: a file with the only certificate to trust at the endpoint; "" for the usual ones.
    sts_url: the endpoint of STS, None for AWS's own; "" if it is the same.
    """

    def __init__(
        self,
        keys: AccessKeys,
        region: str,
        endpoint_url: str | None = None,
        certificate: str = "",
        sts_url: str | None = "",
    ) -> None:
        self.keys, self.region, self.endpoint_url = keys, region, endpoint_url or None
        self._certificate = certificate
        self._sts_url = self.endpoint_url if sts_url == "" else sts_url

    def __repr__(self) -> str:
        return f"<Account {self.keys!r} in {self.region}{' at ' + self.endpoint_url if self.endpoint_url else ''}>"

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    @cached_property
    def sts(self) -> Any:
        return self.client("sts")

    def client(self, service: str, region: str = "") -> Any:
        """A new client, which is not kept; for the usual ones use `ec2` and `sts`.

        Raises InvalidInput for a region that cannot be one.
        """
        from botocore.config import Config
        from botocore.exceptions import InvalidRegionError

        url = self._sts_url if service == "sts" else self.endpoint_url
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            proxies={} if is_loopback(url or "") else None,
            defaults_mode="legacy",  # "auto", which the environment can set, reads instance metadata
        )
        region = region or self.region
        try:
            return self._session.client(
                service,
                region_name=region,
                endpoint_url=url,
                verify=self._certificate or None,
                config=config,
            )
        except InvalidRegionError as error:
            raise InvalidInput(
                f"Region “{region}” was refused.",
                "It is the one in your notes or settings, and no region's name looks like this.",
                "Choose another: lab = open_lab(region='us-east-1')",
                field="region",
            ) from error

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            aws_session_token=self.keys.session_token or None,
            region_name=self.region,
            botocore_session=isolated_session(),
        )


@dataclass(frozen=True)
class CallerIdentity:
    """The owner of the keys."""

    account: str
    arn: str
    user_id: str


def isolated_session() -> Any:
    """A botocore session that reads no profile, no configuration file and no variable of the environment."""
    from botocore.configprovider import ConfigChainFactory, ConfigValueStore
    from botocore.session import Session

    session = Session()
    chains = ConfigChainFactory(session, environ={})
    values = {
        name: chains.create_config_chain(instance_name=name, default=default, conversion_func=conversion)
        for name, (_, _, default, conversion) in Session.SESSION_VARIABLES.items()
    }
    no_file = chains.create_config_chain(default=os.devnull)
    values |= {"config_file": no_file, "credentials_file": no_file}
    session.register_component("config_store", ConfigValueStore(mapping=values))
    session.register_component("data_loader", _service_descriptions())
    return session


@cache
def _service_descriptions() -> Any:
    """botocore's loader of service descriptions, shared: reading EC2's takes longer than many calls."""
    from botocore.loaders import Loader

    own = Loader(include_default_search_paths=False)  # without the student's ~/.aws/models
    own.search_paths.append(Loader.BUILTIN_DATA_PATH)
    return own
