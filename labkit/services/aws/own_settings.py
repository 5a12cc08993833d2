"""The student's own AWS settings, found as every AWS tool finds them, by botocore; used for live AWS only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labkit.model.access_keys import AccessKeys, examine
from labkit.model.errors import LabError
from labkit.model.pasted import clean

_OF_PROGRAMS = (OSError, ValueError, TypeError, AttributeError, RuntimeError)
"""What botocore lets through: a `credential_process` does not start, prints no keys or expired ones, a token's file is
missing."""

_temporary: dict[str, Any] = {}
"""botocore's cache of temporary keys: without it, each look at the keys would ask AWS for new ones."""


def default_keys(endpoint: str | None = None) -> AccessKeys | None:
    """The keys that the AWS CLI would use: environment, profile, single sign-on, role or process; None without any.

    Instance metadata is ignored: the role of the host is not the student's account. endpoint: where AWS answers if not
    at AWS itself, whose keys may have any form. Raises LabError if the settings cannot be read, a login has ended, or
    the keys cannot be ones of AWS.
    """
    with _in_words():
        session = _session()
        providers = session.get_component("credential_provider")
        providers.remove("iam-role")
        for name in ("assume-role", "sso"):
            providers.get_provider(name).cache = _temporary
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    return None if frozen is None else tidy(frozen.access_key, frozen.secret_key, frozen.token or "", endpoint)


def tidy(key_id: str, secret: str, token: str, endpoint: str | None) -> AccessKeys:
    """The keys of a file or the environment without what surrounds them. Raises InvalidInput as `examine` does."""
    if endpoint:
        return AccessKeys(*(clean(value).value for value in (key_id, secret, token)))
    return examine(key_id, secret, token).require()


def default_region() -> str:
    """The region of the profile in use; "" without one. Raises LabError if the settings cannot be read."""
    with _in_words():
        return _session().get_config_variable("region") or ""


def default_ca_bundle() -> str:
    """The file of certificates that the environment or the profile in use has AWS's tools trust, as behind a company's
    proxy; "" for the usual ones. Raises LabError if it is not there, or the settings cannot be read."""
    with _in_words():
        path = str(_session().get_config_variable("ca_bundle") or "")
    if path and not os.path.exists(path):
        raise LabError(
            "Your AWS settings name a file of certificates that is not there.",
            f"AWS_CA_BUNDLE, or ca_bundle of the profile in use, is {path}.",
            "Correct or unset it; then open the lab again.",
        )
    return path


def default_endpoint(service: str = "ec2") -> str:
    """Where a service answers, as the environment or the profile in use says; "" for AWS itself. Raises as above."""
    from botocore.configprovider import ConfiguredEndpointProvider

    with _in_words():
        session = _session()
        if session.get_config_variable("ignore_configured_endpoint_urls"):
            return ""
        files = {"full_config": session.full_config, "scoped_config": session.get_scoped_config()}
        return ConfiguredEndpointProvider(**files, client_name=service).provide() or ""


def _session() -> Any:
    from botocore.session import Session

    return Session()


@contextmanager
def _in_words() -> Iterator[None]:
    """Raise LabError for what botocore raises about the student's settings."""
    from botocore import exceptions as known

    try:
        yield
    except known.ConfigParseError as error:
        raise LabError(
            f"Your AWS file {error.kwargs.get('path', '')} cannot be read.",
            f"It is not in the form of an AWS file{_at(error)}.",
            "Correct or remove that line, then try again; `aws configure list` shows whether AWS's tools can read it.",
        ) from error
    except known.ProfileNotFound as error:
        profile, names = error.kwargs.get("profile", ""), ", ".join(_session().available_profiles) or "none"
        raise LabError(
            f"There is no AWS profile “{profile}”.",
            f"AWS_PROFILE names it, but your AWS files have: {names}.",
            "Set AWS_PROFILE to one of them, or unset it; then open the lab again.",
        ) from error
    except (known.SSOError, known.TokenRetrievalError) as error:
        raise _login_needed("aws sso login") from error
    except known.PartialCredentialsError as error:
        raise LabError(
            f"Your AWS settings are incomplete: {error.kwargs.get('cred_var', '')} is missing.",
            f"What belongs to it was found: {error.kwargs.get('provider', '')}.",
            "Set both, or neither; then try again.",
        ) from error
    except EOFError as error:
        raise LabError(
            "The AWS profile in use asks for an MFA code.",
            "AWS's library asks for it in a terminal, and there is none here.",
            "Get temporary keys with your code, aws sts get-session-token --serial-number MFA --token-code CODE, and "
            "enter all three of their values; or use another profile.",
        ) from error
    except getattr(known, "LoginError", ()) as error:
        raise _login_needed("aws login") from error
    except (known.BotoCoreError, known.ClientError, *_OF_PROGRAMS) as error:
        raise LabError(
            "Your own AWS settings give no keys.",
            f"AWS's library says: {str(error) or type(error).__name__}",
            "Correct the profile in use until `aws sts get-caller-identity` works in a terminal, or enter keys.",
        ) from error


def _login_needed(command: str) -> LabError:
    return LabError(
        "Your AWS login is missing or has ended.",
        "The profile in use takes its keys from a login, and AWS does not accept the last one any more.",
        f"Log in: {command} (with --profile NAME if it is not the default one). Then try again.",
    )


def _at(error: Exception) -> str:
    """Where a file is damaged; only the number of the line, which may hold a secret."""
    cause = error.__context__
    several = getattr(cause, "errors", None)
    number = several[0][0] if several else getattr(cause, "lineno", None)
    return f", in line {number}" if number else ""
