"""The profile in AWS's own files: whole, private, never over another one unasked, and nothing else touched."""

from __future__ import annotations

import configparser
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.access_keys import AccessKeys
from labkit.model.errors import InvalidInput, LabError
from labkit.model.profile_text import read_section, remove_section, set_options
from labkit.model.settings import PROFILE
from labkit.services.aws.profile import SavedProfile, check_region, load_profile, remove_profile, save_profile

KEYS = AccessKeys("AKIAQ3EGRTCANARY0001", "c4n4rySECRETc4n4rySECRETc4n4rySECRET0/+x")
OTHER = AccessKeys("AKIAQ3EGRTCANARY0002", "0therSECRETx0therSECRETx0therSECRETx0/+x")
MINE = """\
# my work account, do not touch
[default]
aws_access_key_id=AKIAWORKWORKWORKWORK
aws_secret_access_key = work/work   \n
; a comment with [brackets]
[profile two words]
s3 =
    max_concurrent_requests = 20
region = eu-west-1
"""


@pytest.fixture
def files(tmp_path):
    return tmp_path / "aws" / "config", tmp_path / "aws" / "credentials"


def test_a_saved_profile_is_read_back_and_both_files_are_private(files):
    saved = SavedProfile(KEYS, "eu-west-1", "http://127.0.0.1:4567")
    save_profile(saved, *files)
    assert load_profile(*files) == saved
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_what_only_some_programs_take_for_a_line_break_stays_in_its_line(files, mark):
    mine = f"[default]\nregion = eu{mark}[{PROFILE}]{mark}region = us-east-1\n"
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(mine, encoding="utf-8", newline="")
    assert load_profile(*files) is None
    save_profile(SavedProfile(KEYS, "eu-west-1"), *files)
    assert load_profile(*files) == SavedProfile(KEYS, "eu-west-1")
    remove_profile(*files)
    assert [file.read_text(encoding="utf-8") for file in files] == [mine, mine]


def test_no_temporary_file_is_left_beside(files):
    save_profile(SavedProfile(KEYS), *files)
    assert sorted(os.listdir(files[0].parent)) == ["config", "credentials"]


def test_every_other_line_stays_when_saved_and_when_removed(files):
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(MINE)
    save_profile(SavedProfile(KEYS, "us-east-1"), *files)
    assert all(file.read_text().startswith(MINE) for file in files)
    assert remove_profile(*files) is True
    assert [file.read_text() for file in files] == [MINE, MINE]
    assert remove_profile(*files) is False


def test_other_keys_are_never_replaced_unasked(files):
    save_profile(SavedProfile(OTHER, "us-east-1"), *files)
    before = [file.read_bytes() for file in files]
    with pytest.raises(InvalidInput) as refused:
        save_profile(SavedProfile(KEYS, "eu-west-1"), *files)
    assert (refused.value.code, refused.value.field) == ("ProfileExists", "overwrite")
    assert [file.read_bytes() for file in files] == before
    assert OTHER.secret_access_key not in str(refused.value)


def test_a_profile_whose_key_is_blank_holds_no_other_keys(files):
    files[1].parent.mkdir()
    files[1].write_text("[self-protecting-cloud]\naws_access_key_id =\naws_secret_access_key =\n")
    save_profile(SavedProfile(KEYS, "us-east-1"), *files)
    assert load_profile(*files) == SavedProfile(KEYS, "us-east-1", "")


def test_other_keys_are_replaced_when_asked_to(files):
    save_profile(SavedProfile(AccessKeys("ASIAQ3EGRTCANARY0001", "s" * 40, "token"), "us-east-1", "http://x"), *files)
    save_profile(SavedProfile(KEYS, "eu-west-1"), *files, overwrite=True)
    assert load_profile(*files) == SavedProfile(KEYS, "eu-west-1", "")


def test_the_same_key_id_again_is_success_and_keeps_what_the_student_added(files):
    save_profile(SavedProfile(KEYS, "us-east-1", "http://127.0.0.1:1"), *files)
    files[0].write_text(files[0].read_text() + "output = table\n")
    save_profile(SavedProfile(KEYS, "eu-west-1", "http://127.0.0.1:2"), *files)
    assert load_profile(*files) == SavedProfile(KEYS, "eu-west-1", "http://127.0.0.1:2")
    assert "output = table" in files[0].read_text()


def test_a_profile_that_assumes_a_role_is_not_turned_into_one_with_keys_unasked(files):
    files[0].parent.mkdir()
    files[0].write_text("[profile self-protecting-cloud]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n")
    with pytest.raises(InvalidInput):
        save_profile(SavedProfile(KEYS), *files)
    save_profile(SavedProfile(KEYS), *files, overwrite=True)
    assert "role_arn" not in files[0].read_text()


def test_a_file_that_is_a_link_stays_one(files, tmp_path):
    files[1].parent.mkdir()
    (tmp_path / "elsewhere").write_text(MINE)
    files[1].symlink_to(tmp_path / "elsewhere")
    save_profile(SavedProfile(KEYS), *files)
    assert files[1].is_symlink()
    assert KEYS.access_key_id in (tmp_path / "elsewhere").read_text()


def test_no_profile_is_none_and_half_a_profile_is_none(files):
    assert load_profile(*files) is None
    files[1].parent.mkdir()
    files[1].write_text("[self-protecting-cloud]\naws_access_key_id = AKIAQ3EGRTCANARY0001\n")
    assert load_profile(*files) is None


def test_a_file_that_cannot_be_read_or_written_is_said_without_its_content(files):
    files[1].mkdir(parents=True)  # a folder where the file should be
    with pytest.raises(LabError, match="cannot be read"):
        load_profile(*files)
    files[0].parent.joinpath("config").write_bytes(b"\xff\xfe")
    with pytest.raises(LabError, match="cannot be read"):
        remove_profile(*files)


def test_a_value_with_a_line_break_cannot_add_a_line():
    with pytest.raises(ValueError, match="line break"):
        set_options("", "default", {"region": "x\naws_access_key_id = y"})


def test_a_region_is_checked_and_a_typing_error_is_answered_with_the_near_one():
    assert check_region(" US-East-1 ") == "us-east-1"
    with pytest.raises(InvalidInput, match=r"Did you mean .*us-east-1"):
        check_region("us-esat-1")


words = st.text("abcxyz019", min_size=1, max_size=6)
sections = st.dictionaries(words, st.dictionaries(words, words, max_size=3), max_size=4)


@given(sections, words, st.dictionaries(words, words, min_size=1, max_size=3))
def test_what_is_set_is_what_configparser_reads_and_the_rest_is_as_it_was(there, section, options):
    text = "".join(f"# {name}\n[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in o.items()) for name, o in there.items())
    changed = set_options(text, section, options)
    parsed = configparser.RawConfigParser(default_section="")
    parsed.read_string(changed)
    expected = there | {section: there.get(section, {}) | options}
    assert {name: dict(parsed[name]) for name in parsed.sections()} == expected
    assert read_section(changed, section) == expected[section]
    assert set_options(changed, section, options) == changed
    if section not in there:
        assert remove_section(changed, section) == text
