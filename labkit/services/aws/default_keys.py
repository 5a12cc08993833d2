"""What AWS's own tools would find on this machine."""

from __future__ import annotations

from labkit.model.access_keys import AccessKeys


def default_keys() -> AccessKeys | None:
    """The keys that the AWS CLI would use: environment, profile, single sign-on; None when there are none.

    The instance metadata service is left out: a role of the host is not the student's account.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.session import get_session

    session = get_session()
    session.get_component("credential_provider").remove("iam-role")
    try:
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError:
        return None
    return AccessKeys(frozen.access_key, frozen.secret_key, frozen.token or "") if frozen is not None else None
