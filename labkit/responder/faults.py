"""Which errors end the responder, and the one for a network ACL that is gone."""

from __future__ import annotations

from labkit.model.errors import CredentialsRefused, LabError, ServiceError, ServiceUnreachable

_FINAL = {"400", "403", "clock"}


def network_acl_gone(network_acl_id: str, code: str) -> LabError:
    """What to raise when the network ACL is not there any more. code: AWS's."""
    return LabError(
        f"The network ACL {network_acl_id} does not exist.",
        "It was deleted with its VPC, or it is in another region.",
        "Create your VPC again if you need one, then start the responder again.",
        code=code,
    )


def is_final(error: LabError) -> bool:
    """Whether a retry cannot help: what is gone, refused or malformed stays so; anything else may be temporary."""
    if isinstance(error, CredentialsRefused) or error.code in _FINAL:
        return True
    return not isinstance(error, ServiceError | ServiceUnreachable)
