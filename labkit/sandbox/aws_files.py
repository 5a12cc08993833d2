"""The lab's own AWS configuration file, so that the AWS CLI in the lab's terminal reaches the sandbox.

Source: `endpoint_url` in a profile of the shared configuration file,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import configparser
import io
from pathlib import Path

from labkit.files import write_private
from labkit.model.settings import DEFAULT_REGION, PROFILE


def point_aws_cli_at(config_file: Path, url: str) -> None:
    """Let the default profile and the lab's profile use this endpoint; what else the file says is kept."""
    config = configparser.RawConfigParser(default_section="")
    config.read(config_file, encoding="utf-8")
    for section in ("default", f"profile {PROFILE}"):
        if not config.has_section(section):
            config.add_section(section)
        config.set(section, "endpoint_url", url)
        if not config.has_option(section, "region"):
            config.set(section, "region", DEFAULT_REGION)
    text = io.StringIO()
    config.write(text)
    write_private(config_file, text.getvalue())
