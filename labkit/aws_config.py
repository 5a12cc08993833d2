"""The lab's own AWS configuration file: it directs the AWS CLI in the lab's terminal to the sandbox.

Source: `endpoint_url` in a profile of the shared configuration file,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import configparser
from pathlib import Path

from labkit.files import write_private
from labkit.model.profile_text import read_section, set_options
from labkit.model.settings import DEFAULT_REGION, PROFILE


def point_aws_cli_at(config_file: Path, url: str, certificate: str = "") -> None:
    """Set this endpoint in the default profile and in the lab's; every other line of the file stays.

    certificate: the file of a certificate to trust there; "" for the system's own.
    """
    text = _readable(config_file)
    for section in ("default", f"profile {PROFILE}"):
        region = (read_section(text, section) or {}).get("region") or DEFAULT_REGION
        trust = {"ca_bundle": certificate or None}
        text = set_options(text, section, {"endpoint_url": url, "region": region} | trust)
    write_private(config_file, text)


def _readable(file: Path) -> str:
    """The file's text; "" if there is none. A file that AWS's tools cannot read is renamed to `config.damaged`."""
    try:
        text = file.read_text(encoding="utf-8")
        configparser.RawConfigParser(default_section="").read_string(text)  # as AWS's own tools do
    except FileNotFoundError:
        return ""
    except (UnicodeDecodeError, configparser.Error):
        file.replace(file.with_name(f"{file.name}.damaged"))
        return ""
    return text
