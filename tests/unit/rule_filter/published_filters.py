"""The 35 filters of the original service that were ever published, as printed: the corpus of the filter language.

F: filter of a rule, S: suppression, Q: event search. Number 27 has a line break where its source has one.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    number: int
    use: str
    text: str


PUBLISHED = (
    Published(
        1,
        "F",
        (
            'event_type = "audit" and syscall = "connect" and (connection.dst_addr != "127.0.0.0/8" and '
            'connection.dst_addr != "::1/128" and connection.dst_addr != "::" and connection.dst_addr != '
            '"0.0.0.0" and connection.dst_addr != "169.254.0.0/16")'
        ),
    ),
    Published(
        2,
        "F",
        (
            '(command = "sudo" or command = "su") and user != "root" and type = "start" and syscall = '
            '"execve" and tty != null'
        ),
    ),
    Published(3, "F", 'type = "start" and (command = "insmod" OR command = "rmmod") and arguments != null'),
    Published(4, "S", 'arguments like "uprobes"'),
    Published(5, "F", 'containerId != null and type = "start" and syscall = "execve" and  tty starts_with "pts"'),
    Published(6, "Q", 'event_type = "audit" and command = "touch"'),
    Published(7, "Q", "event_type = 'audit' AND command = 'touch'"),
    Published(8, "F", "command = 'sudo'"),
    Published(9, "S", "user = 'alice' OR user = 'bob'"),
    Published(10, "F", 'command = "sysctl"'),
    Published(
        11,
        "S",
        (
            'user = "root" and exe = "/sbin/sysctl" and arguments = "/sbin/sysctl" and agent_id = '
            '"dfe3cc18-12c7-4df3-aa95-4fb4ff00f533"'
        ),
    ),
    Published(
        12,
        "S",
        (
            'user = "root" and exe = "/sbin/sysctl" and arguments = "/sbin/sysctl" and '
            'agent_id="135ab463-95c8-46d1-b58f-f7922d6a7765"'
        ),
    ),
    Published(
        13, "S", ('cwd starts_with "/opt/rapid7" or cwd starts_with "/home/insightvm" or user starts_with "insightvm"')
    ),
    Published(
        14,
        "S",
        (
            '(user = "root" and exe like "/sbin/sysctl" and arguments like "sysctl -n") and (arguments like '
            '"net.ipv4.tcp_keepalive_intvl" or arguments like "vm.dirty_background_ratio" or arguments like '
            '"vm.dirty_ratio" or arguments like "vm.swappiness" or arguments like '
            '"vm.dirty_expire_centisecs" or arguments like "net.ipv4.tcp_keepalive_time" or arguments like '
            '"net.ipv4.tcp_keepalive_probes" or arguments like "net.ipv4.ip_local_port_range" or arguments '
            'like "net.ipv4.tcp_fin_timeout" or arguments like "net.ipv4.tcp_tw_reuse" or arguments like '
            '"net.ipv4.ip_default_ttl")'
        ),
    ),
    Published(15, "F", 'user != "ts-user"'),
    Published(16, "S", 'user = "chef"'),
    Published(
        17,
        "F",
        (
            'group = "authentication-failed" or group = "invalid_login" OR group = "authentication_failed" '
            'or group like "fail"'
        ),
    ),
    Published(18, "F", 'event_type = "host" and sigid = "5902"'),
    Published(19, "F", 'event_type = "host"'),
    Published(20, "S", 'event_type != "host"'),
    Published(21, "F", 'event_type = "file"'),
    Published(22, "S", 'event_type != "file"'),
    Published(23, "S", 'command = "sudo"'),
    Published(24, "F", 'type ="connect" and event_type="threatintel"'),
    Published(25, "S", "port = 0"),
    Published(
        26,
        "S",
        (
            '(ip starts_with "10." OR ip starts_with "192.168." or ip starts_with "172.16." or ip '
            'starts_with "172.17." or ip starts_with "172.18." or ip starts_with "172.19." or ip '
            'starts_with "172.20." or ip starts_with "172.21." or ip starts_with "172.22." or ip '
            'starts_with "172.23." or ip starts_with "172.24." or ip starts_with "172.25." or ip '
            'starts_with "172.26." or ip starts_with "172.27." or ip starts_with "172.28." or ip '
            'starts_with "172.29." or ip starts_with "172.30." or ip starts_with "172.31." or ip '
            'starts_with "fd" or ip starts_with "::ffff:10." OR ip starts_with "::ffff:192.168." or ip '
            'starts_with "::ffff:172.16." or ip starts_with "::ffff:172.17." or ip starts_with '
            '"::ffff:172.18." or ip starts_with "::ffff:172.19." or ip starts_with "::ffff:172.20." or ip '
            'starts_with "::ffff:172.21." or ip starts_with "::ffff:172.22." or ip starts_with '
            '"::ffff:172.23." or ip starts_with "::ffff:172.24." or ip starts_with "::ffff:172.25." or ip '
            'starts_with "::ffff:172.26." or ip starts_with "::ffff:172.27." or ip starts_with '
            '"::ffff:172.28." or ip starts_with "::ffff:172.29." or ip starts_with "::ffff:172.30." or ip '
            'starts_with "::ffff:172.31." or ip starts_with "fd")'
        ),
    ),
    Published(
        27,
        "S",
        (
            "user = 'root' AND tty = null AND cwd = '/usr/bin' AND session = '4294967295' AND auid = "
            "'4294967295' AND\narguments = 'ps -e -o pid,ppid,state,command' AND exe = '/usr/sbin/chronyd'"
        ),
    ),
    Published(
        28,
        "S",
        (
            "pid = '3081' AND user = 'root' AND agent_id = \"abcdef-1234-4va1-ad42-555bd87fa32a\" AND command "
            "= 'ps' AND event_time = '1654270691800'"
        ),
    ),
    Published(29, "S", "user = 'root' AND command = 'ps'"),
    Published(30, "F", 'exe = "example"'),
    Published(31, "F", 'src_ip = "192.168.1.1/32"'),
    Published(32, "F", 'connection.addr != "192.168.1.1/32"'),
    Published(33, "Q", 'event_type="network" and src_ip starts_with "10.1.242"'),
    Published(34, "Q", "exe=/bin/exe"),
    Published(35, "Q", 'event_type="VALUE"'),
)

TYPOGRAPHIC = (
    "event_type = “audit”",
    "command =“sudo”",
    'Event_type =“login"',
    "IP=”0.0.0.0.0”",
    "user=”root”",
)
"""Filters as help pages and the printed lab show them, with quotes that the original console refused."""


def published(number: int) -> str:
    """The text of a published filter."""
    return PUBLISHED[number - 1].text
