"""The lab's own AWS configuration file, however it was left."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.aws_config import point_aws_cli_at
from labkit.model.profile_text import read_section

PROFILE_SECTION = "profile self-protecting-cloud"


def test_both_profiles_get_the_endpoint_and_every_other_line_stays(tmp_path: Path) -> None:
    config = tmp_path / "aws" / "config"
    point_aws_cli_at(config, "http://127.0.0.1:1")
    config.write_text(config.read_text().replace("us-east-1", "eu-west-1") + "# mine\noutput = table\n")
    point_aws_cli_at(config, "http://127.0.0.1:2")
    assert config.read_text().endswith("# mine\noutput = table\n")
    for section in ("default", PROFILE_SECTION):
        held = read_section(config.read_text(), section)
        assert held is not None
        assert (held["endpoint_url"], held["region"]) == ("http://127.0.0.1:2", "eu-west-1")


@pytest.mark.parametrize(
    "damage", [b"\xee\xff\x00", b"[profile self-protecting-cloud\n", b"[a]\n[a]\n", b"region = x\n"]
)
def test_a_file_that_no_aws_tool_can_read_is_moved_aside_and_made_anew(tmp_path: Path, damage: bytes) -> None:
    config = tmp_path / "config"
    config.write_bytes(damage)
    point_aws_cli_at(config, "http://127.0.0.1:1")
    held = read_section(config.read_text(), PROFILE_SECTION)
    assert held == {"endpoint_url": "http://127.0.0.1:1", "region": "us-east-1"}
    assert (tmp_path / "config.damaged").read_bytes() == damage
