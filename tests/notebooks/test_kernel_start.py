"""A kernel, whoever starts it: a restart or a mistake in a call by hand is no trace, every expression of a cell shows
its value, and the student's own profile still counts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

from labkit.jupyter.kernel_specs import SafeKernelSpecs
from labkit.steps.session import LabSession
from tests.notebooks.chapters import FOLDER
from tests.notebooks.kernel import one_kernel


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a student with a start-up file of their own, and with nothing that `labkit lab` would set."""
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("mine = 'from my profile'\n", encoding="utf-8")
    return {**os.environ, "IPYTHONDIR": str(tmp_path)}


def test_a_cell_before_the_first_one_says_to_run_that_and_any_other_missing_name_keeps_its_trace(
    profile: dict[str, str],
) -> None:
    with one_kernel(FOLDER, profile) as kernel:
        restarted = kernel.run('lab.chapter("2")')
        other = kernel.run("labb")
        exercise = kernel.run('ports = (first, last)\nlab.check_exercise("answer_ports", ports)')
        own = kernel.run("mine")
    assert restarted.error == "LabError" and "Traceback" not in restarted.text
    assert "Run the chapter's first cell" in restarted.text and "Nothing is lost" in restarted.html
    assert other.error == "NameError" and "'labb' is not defined" in other.text
    assert exercise.error == "LabError" and "“first” is a name without a value" in exercise.text
    assert "from my profile" in own.text


def test_each_expression_of_a_cell_shows_its_value_and_an_error_stops_the_ones_after_it(
    profile: dict[str, str],
) -> None:
    with one_kernel(FOLDER, profile) as kernel:
        assert kernel.run("'one'\nx = 'two'\n'three'").text == "'one' 'three'"
        stopped = kernel.run("'one'\n1 / 0\n'three'")
    assert stopped.error == "ZeroDivisionError" and "'three'" not in stopped.text.partition("ZeroDivisionError")[0]


MISTAKES = {
    "ec2.describe_network_acl()": ("no call “describe_network_acl”", "Did you mean describe_network_acls?"),
    "ec2.describe_network_acls('acl-1')": ("takes each argument with its name", "Write the name before the value"),
    "ec2.describe_network_acls(NetworkAclId=['acl-1'])": ("refused its arguments", "NetworkAclIds"),
    "ec2.describe_network_acls(NetworkAclIds='acl-1')": ("Invalid type for parameter", "in square brackets"),
    "ec2.describe_network_acls(NetworkAclIds=[7])": ("Invalid type for parameter", "in quotes"),
    "ec2.describe_network_acls(DryRun='True')": ("Invalid type for parameter", "True or False without quotes"),
    "ec2.describe_network_acls(MaxResults='5')": ("Invalid type for parameter", "number without quotes"),
    "ec2.create_network_acl_entry(NetworkAclId=...)": ("refused its arguments", "Missing required parameter"),
    "ec2.describe_network_acls(NetworkAclIds=['acl-0123456789abcdef0'])": ("found nothing", "Check the id"),
    "ec2.describe_network_acls(NetworkAclIds=['mine'])": ("refused DescribeNetworkAcls", "Malformed"),
    "hawk.get('/v2/nothing').raise_for_status()": ("answered 404", "List them again"),
    "hawk.get('http://127.0.0.1:9/v2/rulesets')": ("No answer from http://127.0.0.1:9", "connection failed"),
    "import requests\nrequests.get('/v2/rulesets')": ("The request was not sent", "No scheme supplied"),
    "requests.get('http://127.0.0.1:9')": ("No answer from http://127.0.0.1:9", "connection failed"),
    "hawk('/v2/rulesets')": ("The session itself cannot be called", "as in hawk.get"),
    "hawk.gett('/v2/rulesets')": ("The session has no “gett”", "Did you mean get?"),
    "lab.boto3('ec3')": ("knows no service “ec3”", 'lab.boto3("ec2")'),
    "import boto3\nboto3.client('ec3')": ("boto3 refused the call", "Unknown service"),
    "hawk.get('/')": ("does not have the detection service's signature", "Check the URL"),
    "reply = requests.Response()\nreply._content = b'<html>'\nreply.json()": ("The reply is not JSON", "reply.text"),
}
"""What a student may write by hand, and the words of the panel."""


def test_a_mistake_in_a_call_by_hand_ends_in_one_panel_and_any_other_error_keeps_its_trace(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, unattended) as kernel:
        kernel.run('from labkit import open_lab\nlab = open_lab()\nlab.solve("2")')
        kernel.run('ec2, hawk = lab.boto3("ec2"), lab.requests()')
        for source, words in MISTAKES.items():
            output = kernel.run(source)
            assert output.error in ("LabError", "InvalidInput", "ServiceError"), f"{source}: {output.text}"
            assert "Traceback" not in output.text and all(one in output.text for one in words), (
                f"{source}: {output.text}"
            )
            assert output.html.count('class="panel bad"') == 1 and "Next" in output.text, f"{source}: {output.html}"
            assert len(output.text) < 1000, f"{source}: {output.text}"  # boto3 lists all of its services
        for source in ("ec2.describe_vpcs()['Vpc']", "'hawk'.gett", "len(ec2)", "hawk.get('/v2/rulesets').json()[0]"):
            assert "Traceback" in kernel.run(source).text, source
        bug = kernel.run("import labkit.services.aws as aws\naws.create_entry(ec2, 7, None)")
    assert "Traceback" in bug.text


LAUNCHER = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.mark.parametrize(
    ("argv", "is_safe"),
    [
        (["python", *LAUNCHER], True),
        (["python3", *LAUNCHER], True),
        ([sys.executable, *LAUNCHER], True),
        ([os.path.realpath(sys.executable), "-Xfrozen_modules=off", *LAUNCHER], True),
        (["/usr/bin/python3.9", *LAUNCHER], False),  # may not know -P
        (["python", "-m", "bash_kernel", "-f", "{connection_file}"], False),
        ([], False),
    ],
)
def test_a_kernel_of_this_python_takes_no_module_from_the_chapters_folder(
    tmp_path: Path, argv: list[str], is_safe: bool
) -> None:
    (tmp_path / "own").mkdir()
    spec = {"argv": argv, "display_name": "Own", "language": "python"}
    (tmp_path / "own" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    found = SafeKernelSpecs(kernel_dirs=[str(tmp_path)]).get_kernel_spec("own").argv
    assert found == ([argv[0], "-P", *argv[1:]] if is_safe else argv)


def test_a_file_beside_the_chapters_may_have_any_name(unattended: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    names = filter(str.isidentifier, {*sys.stdlib_module_names, *packages_distributions()} - {"__main__", "distutils"})
    for name in filter(find_spec, names):
        (folder / f"{name}.py").write_text("raise RuntimeError(__file__)\n", encoding="utf-8")
    (folder / "my_own.py").write_text("value = 'my own module'\n", encoding="utf-8")
    with one_kernel(folder, unattended) as kernel:
        solved = kernel.run('from labkit import open_lab\nlab = open_lab()\nlab.solve("network_acl_id")')
        handled = kernel.run('lab.boto3("ec2").describe_vpcs()["Vpcs"], lab.requests(), lab.host(), lab.entries()')
        own = kernel.run("import my_own, random, pandas, requests; my_own.value")
        program = kernel.run("!labkit status")
    assert {cell.error for cell in (solved, handled, own, program)} == {""}, solved.text + handled.text + own.text
    assert "my own module" in own.text and "Traceback" not in program.text and "steps done" in program.text
