"""The steps that each call of the lab needs, in one table; `requires_steps` has every call check them first.

To add a call to the lab, add it to `NEEDS`, or to `NEEDS_NOTHING` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from labkit import steps
from labkit.lab.base import Cells
from labkit.lab.calls import Class
from labkit.lab.exercises import answered, guess_named
from labkit.lab.experiments import require_states
from labkit.steps import account, host, network, rule

PART_2 = (network.NETWORK_ACL.key, rule.RULE_ID.key)
IN_THE_VPC = (host.SUBNET.key,)
PROTECTED = (*IN_THE_VPC, rule.RULE_ID.key)

NEEDS: dict[str, tuple[str, ...]] = {
    "enter_aws_keys": (account.STUDENT.key,),
    "aws_account": (account.ACCOUNT.key,),
    "vpcs": (account.ACCOUNT.key,),
    "create_vpc": (account.ACCOUNT.key,),
    "take_vpc": (account.ACCOUNT.key,),
    "network_acls": (network.VPC.key,),
    "choose_network_acl": (network.VPC.key,),
    "entries": (network.NETWORK_ACL.key,),
    "decide": (network.NETWORK_ACL.key,),
    "what_if": (network.NETWORK_ACL.key,),
    "rules": (network.NETWORK_ACL.key,),
    "clone_rule": (network.NETWORK_ACL.key,),
    "create_rule": (network.NETWORK_ACL.key,),
    "set_criteria": (rule.RULE.key,),
    "compare_criteria": (rule.RULE.key,),
    "explain": (rule.CRITERIA.key,),
    "enable_rule": (rule.CRITERIA.key,),
    "retrieve_rule_id": (rule.ENABLED.key,),
    "topology": (network.NETWORK_ACL.key,),
    "place_host": PART_2,
    "responder": PROTECTED,
    "respond_once": PROTECTED,
    "run": IN_THE_VPC,
    "terminal": IN_THE_VPC,
    "alerts": PROTECTED,
    "add_entry": IN_THE_VPC,
    "remove_entry": IN_THE_VPC,
    "allow_ipv6": IN_THE_VPC,
    "boto3": (account.ACCOUNT.key,),
    "requests": (network.NETWORK_ACL.key,),
    "check_exercise": (network.NETWORK_ACL.key,),
    "suppress": (rule.ENABLED.key,),
    "restore": (*IN_THE_VPC, rule.ENABLED.key),
}
"""The steps that must hold before a call shows or changes anything, with all that those steps need."""

NEEDS_NOTHING: dict[str, str] = {
    "status": "It reports your progress, whatever is missing.",
    "chapter": "It reports your progress, whatever is missing.",
    "check": "It only looks. Its answer names the step to complete first.",
    "solve": "It does what is missing.",
    "reset": "It undoes steps from any state.",
    "choose_backend": "It comes before every step.",
    "agree": "It answers a question that another cell asked.",
    "readiness": "It says what is missing on the host.",
    "services": "It reads the agent, which is there before any step.",
    "host": "It says where the host is, also before it is in your VPC.",
    "enter_student_number": "It is the first step.",
    "enter_detection_key": "Without this key, no rule could be looked at.",
    "stop_responder": "It must be possible to stop a responder at any time.",
    "guess": "It asks what you think, and notes it.",
    "finish": "It looks at every step of its chapter itself.",
    "board": "It shows the class, not your own steps.",
    "clean_up": "It removes what is there, however little that is.",
}
"""The calls that can be made at any time, each with the reason."""


def requires_steps(lab: Class) -> Class:
    """Let every call of this class that needs steps check them before it does anything.

    Each also takes `needs`, what else its cell needs (`experiments`), and `guess`, the guess that its result answers;
    `run` then expects the exit code that answers it.
    """
    for name, keys in NEEDS.items():
        setattr(lab, name, _requiring(keys, getattr(lab, name)))
    return lab


def _requiring(keys: tuple[str, ...], call: Callable[..., Any]) -> Callable[..., Any]:
    needed = steps.with_needs(tuple(steps.BY_KEY[key] for key in keys))

    @wraps(call)
    def checked(self: Cells, /, *args: Any, needs: str = "", guess: str = "", **kwargs: Any) -> Any:
        steps.require(self._session, needed)
        require_states(self, needs)
        if guess and (code := guess_named(guess).exit_code) is not None:
            kwargs.setdefault("expect", code)
        result = call(self, *args, **kwargs)
        return answered(self, guess, result) if guess else result

    return checked
