"""Network ACLs as values: entries, what AWS refuses about them, the order they are tried in, which one decides."""

from labkit.model.network_acl.entry import CATCH_ALL as CATCH_ALL
from labkit.model.network_acl.entry import ENTRY_QUOTA as ENTRY_QUOTA
from labkit.model.network_acl.entry import Entry as Entry
from labkit.model.network_acl.entry import in_order as in_order
from labkit.model.network_acl.entry import protocol_name as protocol_name
from labkit.model.network_acl.validation import new_entry as new_entry
from labkit.model.network_acl.validation import protocol_number as protocol_number
from labkit.model.network_acl.validation import validate_cidr_block as validate_cidr_block
from labkit.model.network_acl.validation import validate_entry as validate_entry
from labkit.model.network_acl.validation import validate_protocol as validate_protocol
from labkit.model.network_acl.validation import validate_rule_number as validate_rule_number
from labkit.model.network_acl.validation import validate_vpc_cidr_block as validate_vpc_cidr_block
