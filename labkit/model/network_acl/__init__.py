"""Network ACLs as values: entries, which of them AWS refuses, their order, and which one decides."""

from labkit.model.network_acl.acl import NetworkAcl, entries_used
from labkit.model.network_acl.decision import Decision, Shadowed, Trial, WhatIf, decide, never_reached, what_if
from labkit.model.network_acl.entry import CATCH_ALL, ENTRY_QUOTA, VPC_QUOTA, Entry, in_order, protocol_name
from labkit.model.network_acl.packet import Packet
from labkit.model.network_acl.validation import (
    new_entry,
    protocol_number,
    validate_cidr_block,
    validate_entry,
    validate_protocol,
    validate_rule_number,
    validate_vpc_cidr_block,
)

__all__ = [
    "CATCH_ALL",
    "ENTRY_QUOTA",
    "VPC_QUOTA",
    "Decision",
    "Entry",
    "NetworkAcl",
    "Packet",
    "Shadowed",
    "Trial",
    "WhatIf",
    "decide",
    "entries_used",
    "in_order",
    "never_reached",
    "new_entry",
    "protocol_name",
    "protocol_number",
    "validate_cidr_block",
    "validate_entry",
    "validate_protocol",
    "validate_rule_number",
    "validate_vpc_cidr_block",
    "what_if",
]
