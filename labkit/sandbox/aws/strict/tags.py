"""Tags as AWS accepts them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.models import EC2Backend

from labkit.sandbox.aws.errors import AwsError

LONGEST_KEY, LONGEST_VALUE = 128, 256
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html (restrictions)."""


def check_tags(tags: Iterable[dict[str, str]]) -> None:
    """Raise AwsError for a tag that AWS refuses. A missing value becomes empty."""
    for tag in tags:
        key, value = tag.get("Key", ""), tag.setdefault("Value", "")
        if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise AwsError("InvalidParameterValue", f"Tag '{key}': a key has 1 to 128 characters, a value up to 256.")
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidParameterValue", f"Tag '{key}': keys that begin with aws: belong to AWS.")


def check_tag_specifications(params: dict[str, Any], resource_type: str) -> None:
    """Raise AwsError for tags that are meant for another type of resource than the one being made."""
    for specification in params.get("TagSpecifications", []):
        if specification.get("ResourceType") != resource_type:
            named = specification.get("ResourceType", "")
            raise AwsError(
                "InvalidParameterValue", f"'{named}' is not a valid taggable resource type for this operation."
            )
        check_tags(specification.get("Tags", []))


class StrictTags:
    """Checks of the tag actions."""

    params: dict[str, Any]
    ec2_backend: EC2Backend

    def check_create_tags(self) -> None:
        check_tags(self.params["Tags"])
        for resource in self.params["Resources"]:
            if resource.startswith("acl-"):  # moto checks the lab's other resource types, but not this one
                self.ec2_backend.get_network_acl(resource)

    def check_delete_tags(self) -> None:
        """Without a list of tags, AWS deletes all; moto would delete none."""
        if not self.params.get("Tags"):
            of_each = (self.ec2_backend.tags.get(resource, {}) for resource in self.params["Resources"])
            self.params["Tags"] = [{"Key": key} for key in sorted({key for tags in of_each for key in tags})]
        elif not all(tag.get("Key") for tag in self.params["Tags"]):
            raise AwsError("MissingParameter", "Each tag to delete needs its Key.")
