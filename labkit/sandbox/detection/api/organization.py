"""The REST API's members of the organization, and its audit log."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.paging import Question
from labkit.sandbox.detection.api.request import body, note, organization_id, reply, store
from labkit.sandbox.detection.store.engine import DAY_MS
from labkit.sandbox.detection.store.people import ROLES
from labkit.sandbox.detection.timestamps import now_ms

blueprint = Blueprint("organization", __name__)

AUDIT_PAGE = 50
AUDIT_DAYS = 30
INVITED_AS = ("user", "reader")


@blueprint.get("/organizations/members")
def list_members() -> Response:
    """The members: all, or only those that are enabled."""
    enabled_only = request.args.get("enabledOnly") == "true"
    members = store().people.members(organization_id(), enabled_only)
    return reply(Question.of("members", request.args).reply(members))


@blueprint.post("/organizations/members")
def add_member() -> Response:
    """Add a known user, or change a member's role."""
    given = body()
    user_id, role = given.get("id"), given.get("role")
    if not isinstance(user_id, str) or role not in ROLES:
        raise ApiError(400, f"the body needs id, a user id, and role, one of {', '.join(ROLES)}")
    with store().transaction():
        store().people.add_member(organization_id(), user_id, role)
        note("create", "member.add", f"added a member as {role}", {"userId": user_id})
    return reply(next(one for one in store().people.members(organization_id()) if one["id"] == user_id))


@blueprint.delete("/organizations/members/<user_id>")
def remove_member(user_id: str) -> Response:
    """Remove a member: 204, the one reply without a body."""
    with store().transaction():
        store().people.remove_member(organization_id(), user_id)
        note("delete", "member.remove", "removed a member", {"userId": user_id})
    return Response(status=204)


@blueprint.route("/organizations/invites", methods=["PUT", "POST"])
def invite() -> Response:
    """Invite somebody; published clients use either method.

    Sandbox: no mail is sent.
    """
    given = body()
    role, email = given.get("role"), given.get("email")
    if role not in INVITED_AS or not isinstance(email, str) or "@" not in email:
        raise ApiError(400, f"the body needs email, and role, one of {', '.join(INVITED_AS)}")
    note("create", "member.invite", f"invited {email} as {role}", {"email": email})
    return reply({"sentToEmail": email, "role": role, "status": "pending"})


@blueprint.get("/auditlogs")
def list_records() -> Response:
    """A page of the audit log, newest first; of the last thirty days unless `from` says otherwise.

    Sandbox: changes are recorded, reads are not.
    """
    question = Question.of("recs", request.args)
    selection = question.selection(
        crud=question.choice("operation", ("create", "read", "update", "delete")),
        user_email=question.text("userEmail"),
        user_id=question.text("userID"),
    )
    if selection.from_ms is None:
        selection = replace(selection, from_ms=(selection.until_ms or now_ms()) - AUDIT_DAYS * DAY_MS)
    return reply(question.reply(*store().audit.page(organization_id(), selection, question.after, AUDIT_PAGE)))
