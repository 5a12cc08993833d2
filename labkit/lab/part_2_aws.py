"""Part 2, the AWS environment: student number, keys, VPC, network ACL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from labkit.lab.base import Cells
from labkit.lab.links import link_to
from labkit.model.access_keys import examine
from labkit.model.errors import LabError
from labkit.model.network_acl import NetworkAcl, Packet, decide, new_entry, what_if
from labkit.model.settings import DEFAULT_REGION
from labkit.services import aws
from labkit.services.jupyter_server import in_jupyter
from labkit.steps import account, commands, network
from labkit.views import forms, panels
from labkit.views.copying import THE_SAME
from labkit.views.forms import keys as keys_form
from labkit.views.forms.basic import MINE
from labkit.views.forms.parts import Form
from labkit.views.tables import network as network_tables
from labkit.views.tables.decision import DecisionTable, WhatIfTable
from labkit.views.view import View

KEYS_OF_CLASS = "They came with the class block that you joined with, so there is no form to fill in."


class EnvironmentCells(Cells):
    """The student number, the AWS account, the VPC and its network ACL."""

    def enter_student_number(self, number: int | str | None = None) -> Form | View:
        """Note the student number, 1 to 999: the argument, else LABKIT_STUDENT, else a form asks.

        A number under which something exists already is taken only after confirmation, except in an unattended run.
        """
        given = self._session.backend.student if number is None else number
        if given == "":
            known = self._student_or_none() or self._session.backend.aws.assigned
            return forms.student_number_form(known, self._save_student, self._already_there, link_to=link_to)
        if not self._unattended and (warning := self._already_there(given)):
            return forms.action_button(MINE, "Checking…", lambda: self._save_student(given), known=warning)
        return self._save_student(given)

    def _save_student(self, typed: int | str) -> View:
        return account.save_student(self._session, typed)

    def _already_there(self, typed: int | str) -> str:
        return account.already_there(self._session, typed)

    def enter_aws_keys(
        self,
        access_key_id: str = "",
        secret_access_key: str = "",
        session_token: str = "",
        region: str = "",
        keep: bool = True,
        overwrite: bool = False,
    ) -> Form | View:
        """Try the keys and use them: the arguments, else the environment's, else a form asks. For live AWS the
        environment's are AWS_*; for the sandbox, its own keys where LABKIT_STUDENT is set.

        keep: in the profile `self-protecting-cloud`, for the other chapters and the AWS CLI; else in memory only.
        overwrite: even when other keys are kept there. Raises LabError with what is wrong with the keys.
        """
        opened = self._session.backend.aws
        given = opened.given_keys() or (opened.cloud_account() if self._unattended else None)
        if access_key_id or secret_access_key:
            return self._use_keys(access_key_id, secret_access_key, session_token, region, keep, overwrite)
        if given is not None:
            used = account.use_keys(self._session, given, region, keep, overwrite)
            return replace(used, remark=KEYS_OF_CLASS) if opened.assigned else used
        return keys_form.aws_keys_form(
            region or self._known_region(),
            self._use_keys,
            (lambda: in_jupyter(opened.cloud_account_url())) if opened.shows_cloud_account else None,
            self._in_use(),
            link_to=link_to,
        )

    def _known_region(self) -> str:
        try:
            return self._session.region
        except LabError:  # the student's own files are broken, which is no reason to show no form
            return DEFAULT_REGION

    def _in_use(self) -> str:
        with suppress(LabError):
            if (keys := self._session.keys) is not None:
                return f"the key that ends in {keys.access_key_id[-4:]}, region {self._session.region}"
        return ""

    def _use_keys(
        self, access_key_id: str, secret: str, session_token: str, region: str, keep: bool, overwrite: bool
    ) -> View:
        if self._session.keys is not None and not (access_key_id or secret or session_token):
            used = account.use_keys(self._session, self._session.keys, region, keep, overwrite)
            return replace(used, remark="No new keys were entered, so the current ones were tested again.")
        examined = examine(access_key_id, secret, session_token)
        used = account.use_keys(self._session, examined.require(), region, keep, overwrite)
        return replace(used, remark=" ".join(filter(None, (*examined.cleaned, used.remark))))

    def aws_account(self) -> View:
        """The account and the identity that the keys belong to, and the region in use."""
        who = aws.caller(self._session.aws.sts)
        facts = (("Account", who.account), ("Identity", who.arn), ("Region", self._session.region))
        caller = commands.caller_command(self._session)
        cli = f"aws configure list\n{caller}" if caller else ""
        return panels.ActionResult("The AWS account in use", facts, cli, cli_caption=THE_SAME)

    def vpcs(self) -> View:
        """Every VPC of the region, whose it is, and how much of the quota is used; how to create yours if none is."""
        session = self._session
        vpcs, cli = aws.describe_vpcs(session.aws.ec2), commands.vpcs_command(session)
        create = "" if any(vpc.student == session.student for vpc in vpcs) else commands.create_vpc_command(session)
        return network_tables.VpcTable(vpcs, session.region, session.student, cli, create)

    def create_vpc(self) -> Form | View:
        """Create your VPC, or find it. If there is one without a tag, as the original command makes it, a form asks
        whether it is yours; in a live account a form asks before the first change. Raises QuotaReached."""
        ec2 = self._session.aws.ec2
        if self._unattended or aws.find_student_vpcs(ec2, self._session.student):
            return network.make_vpc(self._session)
        if (question := self._question_first()) is not None:
            return question
        unclaimed = aws.unclaimed_vpcs(ec2)
        if not unclaimed:
            return network.make_vpc(self._session)
        options = [(f"take {vpc}: I made it with the AWS CLI", vpc.id) for vpc in unclaimed]
        return forms.choice_form(
            "There is already a VPC without a tag. Is it yours?",
            [*options, ("create another one: that one is not mine", "")],
            lambda vpc_id: network.take_vpc(self._session, vpc_id) if vpc_id else network.make_vpc(self._session),
            link_to=link_to,
        )

    def take_vpc(self, vpc_id: str) -> View:
        """Tag a VPC without a tag as yours. Raises InvalidInput if it belongs to somebody else."""
        return network.take_vpc(self._session, vpc_id)

    def network_acls(self) -> View:
        """Every network ACL of the region with the VPC it belongs to: everybody's, as `describe-network-acls` shows."""
        session = self._session
        found, noted = aws.describe_network_acls(session.aws.ec2), session.notes.get("network_acl_id")
        return network_tables.NetworkAclTable(found, session.region, noted, commands.network_acls_command(session))

    def choose_network_acl(self, network_acl_id: str = "") -> Form | View:
        """Note the NetworkAclId of your VPC; without an argument, a form asks for it.

        Raises InvalidInput, naming whose it is, for the network ACL of another VPC.
        """
        if network_acl_id:
            return network.save_network_acl(self._session, network_acl_id)
        if self._unattended:
            return network.do_network_acl(self._session)
        found = sorted(aws.describe_network_acls(self._session.aws.ec2), key=lambda each: each.id)
        options = [(f"{each.id} of {each.vpc_id}", each.id) for each in found]
        return forms.choice_form(
            "Which network ACL is yours?",
            options,
            lambda chosen: network.save_network_acl(self._session, chosen),
            link_to=link_to,
        )

    def entries(self) -> View:
        """The entries of your network ACL, each direction in the order in which AWS tries them."""
        network_acl = self._network_acl()
        return network_tables.AclEntriesTable(
            network_acl,
            self._session.region,
            self._packets(network_acl),
            cli=commands.network_acl_command(self._session, network_acl.id),
        )

    def _packets(self, network_acl: NetworkAcl) -> Mapping[tuple[bool, int], int] | None:
        """How many packets each entry has decided, if this network ACL filters the host; else None."""
        lab_host = self._session.backend.aws.host
        if lab_host is None or not network_acl.subnet_ids:
            return None
        status = lab_host.status()
        return status.packets if status.network_acl_id == network_acl.id else None

    def decide(
        self, destination: str = "203.0.113.10", port: int | str = 80, protocol: str = "tcp", source: str = ""
    ) -> View:
        """Which entry decides about a packet that leaves, or, with `source`, about one that enters from there."""
        return DecisionTable(decide(self._network_acl().entries, _packet(destination, port, protocol, source)))

    def what_if(
        self,
        rule_number: int | str,
        rule_action: str = "deny",
        cidr_block: str = "203.0.113.10/32",
        destination: str = "203.0.113.10",
        port: int | str = 80,
        protocol: str = "tcp",
        source: str = "",
    ) -> View:
        """The same decision with one more entry. Nothing is written. Raises InvalidInput for what AWS would refuse."""
        entry = new_entry(rule_number=rule_number, rule_action=rule_action, cidr_block=cidr_block, egress=not source)
        packet = _packet(destination, port, protocol, source)
        return WhatIfTable(what_if(self._network_acl().entries, entry, packet))

    def _network_acl(self) -> NetworkAcl:
        return network.students_network_acl(self._session)


def _packet(destination: str, port: int | str, protocol: str, source: str) -> Packet:
    return Packet.inbound(source, protocol, port) if source else Packet.outbound(destination, protocol, port)
