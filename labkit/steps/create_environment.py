"""Chapter 2, as the original's part 2: the AWS environment, then the detection rule."""

from __future__ import annotations

from labkit.steps import account, network, rule
from labkit.steps.step import Step

STEPS: tuple[Step, ...] = (
    account.STUDENT,
    account.ACCOUNT,
    network.VPC,
    network.NETWORK_ACL,
    rule.RULE,
    rule.CRITERIA,
    rule.ENABLED,
    rule.RULE_ID,
)
