"""Parts 1 and 3, the host: its readiness, VPC, programs, alerts and terminal, entries written by hand."""

from __future__ import annotations

import ipaddress
import math
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from labkit.lab.base import Cells
from labkit.lab.experiments import checks_outcome, responder_runs
from labkit.lab.links import link_to
from labkit.model.command_line import parse_command
from labkit.model.detection.rule import Rule
from labkit.model.errors import InvalidInput, LabError
from labkit.model.host.records import Connection, DroppedPacket
from labkit.model.network_acl import CATCH_ALL, new_entry
from labkit.model.pasted import clean
from labkit.model.response.messages import Message
from labkit.model.response.safe_addresses import never_deny, why_safe
from labkit.model.rule_filter import parse
from labkit.range import dns
from labkit.services import aws
from labkit.services.detection.login import DetectionLogin, LoginIncomplete
from labkit.services.environment import LABKIT
from labkit.services.host import RUN_SECONDS
from labkit.services.jupyter_server import server_of_this_kernel
from labkit.steps import commands, host, network, protection, rule
from labkit.steps.protection import answers
from labkit.steps.readiness import readiness
from labkit.steps.responding import not_the_noted_one
from labkit.views import panels
from labkit.views.copying import LOOK
from labkit.views.forms.detection_key import detection_key_form
from labkit.views.forms.parts import Form
from labkit.views.panels.readiness import Line, Readiness
from labkit.views.panels.terminal_link import TerminalLink
from labkit.views.running import PATIENCE_SECONDS, AnswerWatch, Running
from labkit.views.tables import host as host_views
from labkit.views.view import View

IN_A_TERMINAL = "python3 --version\ncurl --version\naws configure list"
"""Commands that show some of what the readiness says."""

TERMINAL_NAME = "host"
TERMINAL_COMMAND = (*LABKIT, "shell")


class HostCells(Cells):
    """The lab's host: its programs, and the alerts and entries that they lead to."""

    def readiness(self) -> View:
        """Whether the host is ready: agent, programs, account, range, clock, leftovers. Looking is part 1's step."""
        self._session.notes.save(**{host.READY.note: "yes"})
        return Readiness(readiness(self._session), cli=IN_A_TERMINAL)

    def services(self) -> View:
        """The services of the host's agent. Raises LabError when no agent is online."""
        agent = host.hosts_agent(self._session)
        if agent is None:
            raise LabError(
                "The host's agent is not online.",
                "The detection service does not list it.",
                "Wait a moment, then run this cell again.",
            )
        looked_at = f"GET /v2/agents/{agent.id}"
        lines = [
            Line(name, "ready" if state == "HEALTHY" else "missing", state.lower(), looked_at)
            for name, state in host.services_of(agent).items()
        ]
        return Readiness(lines, f"{len(lines)} services of the agent on {agent.name}", looked_at)

    def enter_detection_key(self, user_id: str = "", api_key: str = "", organization_id: str = "") -> Form | View:
        """Try the key of the detection service and use it, in memory only; without an argument, a form asks for it."""
        if api_key or self._unattended:
            return self._use_detection_key(user_id, api_key, organization_id)
        login = self._login_so_far()
        in_use = f"in use: the key of user {login.user_id}" if login.api_key else "none yet"
        known = f"{in_use} at {login.url}"
        return detection_key_form(login.user_id, login.organization_id, self._use_detection_key, known, link_to=link_to)

    def _use_detection_key(self, user_id: str, api_key: str, organization_id: str) -> View:
        before = self._login_so_far()
        login = DetectionLogin(
            before.url,
            clean(user_id).value or before.user_id,
            clean(organization_id).value or before.organization_id,
            clean(api_key).value or before.api_key,
            before.certificate,
        )
        self._session.use_detection_login(login)
        try:
            self._session.detection.self_test()
        except LabError:
            self._session.use_detection_login(before if before.api_key else None)
            raise
        facts = (("Address", login.url), ("User", login.user_id), ("Organization", login.organization_id))
        return panels.ActionResult("The detection service accepts the key.", facts, remark="It is kept in memory only.")

    def _login_so_far(self) -> DetectionLogin:
        try:
            return self._session.detection_login
        except LoginIncomplete as incomplete:
            return incomplete.login

    def place_host(self) -> View:
        """Put the host into a subnet of your VPC, so that your network ACL filters its packets, or find it there."""
        return host.do_subnet(self._session)

    def host(self) -> View:
        """Where the host lives, what filters it, and how far the range reaches on this machine."""
        status = self._lab_host().status()
        place = (
            (("Subnet", status.subnet_id), ("Network ACL in force", status.network_acl_id), ("Region", status.region))
            if status.subnet_id
            else (("Subnet", "none yet: nothing filters the host"),)
        )
        other = not_the_noted_one(self._session, status.network_acl_id) if status.subnet_id else ""
        return panels.ActionResult("The lab's host", place, remark=" ".join(filter(None, (other, status.sentence))))

    @checks_outcome
    def run(self, command: str | Sequence[str], seconds: float = RUN_SECONDS) -> View:
        """Run a program on the host to its end, for so many seconds at most, and show what it writes meanwhile.

        If the responder answers it, the event, the alert and the entry are shown too, also shortly after. Interrupting
        the cell ends the program. Raises LabError if it is not installed, InvalidInput if the command needs a shell.
        """
        argv = parse_command(command)
        lab_host, started, ended = self._lab_host(), time.time(), math.inf
        running = Running(shlex.join(argv), seconds)

        def look(known: Sequence[Message]) -> Sequence[Message]:
            return answers(self._session, started, ended, known)

        with running, AnswerWatch(look, running.show_answers, 0 if self._unattended else PATIENCE_SECONDS) as watch:
            result = lab_host.run(argv, seconds, running.show)
            ended = time.time()  # what connects from now on is another program's
            remarks = [result.behind, *([] if result.ran else [f"No program result. {lab_host.status().words}"])]
            remarks += ["Its output was too long: the rest was not kept."] if result.cut else []
            drops, made = lab_host.drops(started), lab_host.connections()
            remarks += _dropped(not_left_over(drops, made, started) if drops else ())
            if self._unattended and responder_runs(self):
                watch.wait_for(_to_deny(made, drops, started))
        return running.ended(result, " ".join(filter(None, remarks)))

    def alerts(self) -> View:
        """The active alerts of your rule, newest first."""
        return host_views.AlertTable(tuple(protection.students_alerts(self._session)))

    def add_entry(
        self,
        rule_number: int | str,
        rule_action: str = "deny",
        cidr_block: str = "203.0.113.10/32",
        egress: bool = True,
        protocol: str = "all",
        ports: int | str | tuple[int, int] | None = None,
    ) -> View:
        """Add an entry to your network ACL by hand, or find it there. Raises LabError for what AWS refuses."""
        entry = new_entry(
            rule_number=rule_number,
            rule_action=rule_action,
            cidr_block=cidr_block,
            egress=egress,
            protocol=protocol,
            ports=ports,
        )
        network_acl = network.students_network_acl(self._session)
        facts = (("Entry", str(entry)), ("Network ACL", network_acl.id))
        if entry in network_acl.entries:
            look = commands.network_acl_command(self._session, network_acl.id)
            return panels.ActionResult("The entry was there already.", facts, look, cli_caption=LOOK)
        self._session.require_agreement()
        aws.create_entry(self._session.aws.ec2, network_acl.id, entry)
        cli = commands.create_entry_command(self._session, network_acl.id, entry)
        return panels.ActionResult("The entry was added.", facts, cli)

    def remove_entry(self, rule_number: int, egress: bool = True) -> View:
        """Delete an entry of your network ACL, whoever wrote it. It is no error if there is none."""
        network_acl = network.students_network_acl(self._session)
        way = "egress" if egress else "ingress"
        if not any((entry.rule_number, entry.egress) == (rule_number, egress) for entry in network_acl.entries):
            return panels.ActionResult(f"There is no {way} entry {rule_number} in {network_acl.id}.")
        self._session.require_agreement()
        aws.delete_entry(self._session.aws.ec2, network_acl.id, rule_number, egress)
        cli = commands.delete_entry_command(self._session, network_acl.id, rule_number, egress)
        facts = (("Network ACL", network_acl.id),)
        return panels.ActionResult(f"The {way} entry {rule_number} was deleted.", facts, cli)

    def allow_ipv6(self) -> View:
        """Let IPv6 through your network ACL, as AWS does when a VPC gets an IPv6 CIDR block."""
        return host.allow_ipv6(self._session)

    def suppress(self, address: str) -> View:
        """Add a suppression to your rule: connections to this address or CIDR block raise no alert any more."""
        mine = rule.students_rule(self._session)
        suppression = f'connection.dst_addr = "{_address_to_suppress(address)}"'
        parse(suppression)
        if suppression not in mine.suppressions:
            mine = self._session.detection.update_rule(replace(mine, suppressions=(*mine.suppressions, suppression)))
        return _suppressions(mine)

    def terminal(self) -> View:
        """How to get a prompt on the host: a button where the chapter is open in JupyterLab, and always in words."""
        status = self._lab_host().status()
        if status.tier == 3:
            words = f"{status.words} Use lab.run('curl dadismad.com') instead."
            return panels.Note("No terminal on the host here", words)
        server = server_of_this_kernel()
        opened = server is not None and server.open_terminal(TERMINAL_NAME, TERMINAL_COMMAND)
        return TerminalLink(TERMINAL_NAME if opened else "")


def _address_to_suppress(typed: str) -> str:
    """The address or CIDR block as events name it. Raises InvalidInput for a name: events hold addresses."""
    text = clean(typed).value
    try:
        return str(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        found = dns.addresses(text)
        raise InvalidInput(
            f"“{text}” is not an address.",
            f"Events contain addresses, not names.{' It stands for ' + ', '.join(found) + '.' if found else ''}",
            f'Suppress the address: lab.suppress("{found[0] if found else "198.51.100.7"}")',
            field="address",
        ) from None


def _suppressions(mine: Rule) -> View:
    facts = [("Rule", mine.name), *(("No alert for", one) for one in mine.suppressions)]
    return panels.ActionResult("Your rule suppresses these events.", facts)


def not_left_over(
    drops: Iterable[DroppedPacket], connections: Sequence[Connection], started: float
) -> list[DroppedPacket]:
    """The drops without those of an earlier program's connections: the kernel keeps sending after it has ended.

    started: when the present program started, in seconds since 1970.
    """
    earlier = {one.ip for one in connections if one.time < started} - {
        one.ip for one in connections if one.time >= started
    }
    return [drop for drop in drops if drop.remote not in earlier]


def _to_deny(made: Iterable[Connection], drops: Iterable[DroppedPacket], started: float) -> set[str]:
    """The addresses reached since this moment that a responder denies unless they are listed as safe."""
    reached = {one.ip for one in made if one.time >= started} - {drop.remote for drop in drops}
    return {one for one in reached if not why_safe(ipaddress.ip_address(one), never_deny())}


def _dropped(drops: Iterable[DroppedPacket]) -> list[str]:
    """Which entries dropped packets meanwhile, a sentence each."""
    counted = Counter((drop.egress, drop.rule_number, drop.remote) for drop in drops)
    return [
        f"{'Egress' if egress else 'Ingress'} entry {'*' if number >= CATCH_ALL else number} dropped {count} "
        f"packet{'s' if count > 1 else ''} {'to' if egress else 'from'} {far}."
        for (egress, number, far), count in sorted(counted.items())
    ]
