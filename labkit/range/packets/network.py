"""The closed network: the host, one link, and everything else at the link's far end, where the network ACL filters.

    host 10.0.1.10 (eth0) ── veth ── (vpc) gateway 10.0.1.1, resolver 10.0.0.2, and every other address there is

Each side is a network namespace of its own, and neither has another device: no way leads out. Nothing is forwarded, so
no kernel value has to be changed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from labkit.range import dns
from labkit.range.internet import DRIP_PORT, PAGE_PORTS, serve_dns, serve_drips, serve_pages
from labkit.range.namespace import NET, call, fork, ip, mount_privately, network_of, set_kernel_values, unshare_all

HOST_NAME = "range"
_FAR = f"""\
link set lo up
link add vpc address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns {{host}}
addr add {dns.RESOLVER}/32 dev lo
addr add {dns.METADATA}/32 dev lo
addr add {dns.GATEWAY}/24 dev vpc
link set vpc up
route add local default dev lo table main
"""
_FAR_IPV6 = f"""\
addr add {dns.GATEWAY_IPV6}/64 dev vpc nodad
route add local ::/0 dev lo table main
"""
_HOST = f"""\
link set lo up
addr add {dns.HOST}/24 dev eth0
link set eth0 up
route add default via {dns.GATEWAY}
"""
_HOST_IPV6 = f"""\
addr add {dns.HOST_IPV6}/64 dev eth0 nodad
route add ::/0 via {dns.GATEWAY_IPV6}
"""
_NO_DUPLICATE_DETECTION: dict[str, object] = {
    f"ipv6/conf/{scope}/{name}": 0 for scope in ("all", "default") for name in ("accept_dad", "dad_transmits")
}
_ETC = {
    "/etc/resolv.conf": f"nameserver {dns.RESOLVER}\noptions timeout:1 attempts:1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{dns.HOST} {HOST_NAME}\n",
}
"""Files of the host's own, so that the resolver alone knows names: no nscd, sssd or systemd-resolved is asked."""


def build(folder: Path, guard: Callable[[], None]) -> int:
    """Make this process the far end and return the pid of the host's holder, a child that then calls `guard`.

    Raises OSError where the kernel, or a policy of this machine, refuses.
    """
    unshare_all()
    resolvers = _own_names(folder)
    socket.sethostname(HOST_NAME)
    set_kernel_values(_NO_DUPLICATE_DETECTION)
    loopback = [address for address in resolvers if address.startswith("127.")]
    holder, wire = _host(loopback, guard)
    ipv6 = os.path.exists("/proc/net/if_inet6")
    ip(_FAR.format(host=holder) + (_FAR_IPV6 if ipv6 else ""))
    others = [address for address in resolvers if address not in loopback]
    if others:
        ip("".join(f"addr add {address}/32 dev lo\n" for address in others))
    wire()
    for port in PAGE_PORTS:
        serve_pages(port)
    serve_drips(DRIP_PORT)
    for address in (dns.RESOLVER, *others):
        serve_dns(address)
    return holder


def _host(resolvers: list[str], guard: Callable[[], None]) -> tuple[int, Callable[[], None]]:
    """The pid of the host's holder, and what gives it its end of the link, once that is there."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        ours.close()
        call("unshare", NET)
        set_kernel_values(_NO_DUPLICATE_DETECTION)
        theirs.send(b"here")
        if not theirs.recv(1):
            return
        _set_up_host(resolvers)
        theirs.send(b"up")
        theirs.close()
        guard()

    holder = fork(work)
    theirs.close()
    if not ours.recv(4):
        raise OSError("the host's network namespace was refused")

    def wire() -> None:
        ours.send(b"w")
        if not ours.recv(2):
            raise OSError("the host's end of the link could not be set up")
        ours.close()

    return holder, wire


def _set_up_host(resolvers: list[str]) -> None:
    ip(_HOST + (_HOST_IPV6 if os.path.exists("/proc/net/if_inet6") else ""))
    for address in resolvers:
        serve_dns(address)
    gid = os.getgid()
    # An unanswered connection is given up after 3 s instead of two minutes, and ping needs no privilege.
    set_kernel_values({"ipv4/tcp_syn_retries": 1, "ipv4/tcp_retries2": 5, "ipv4/ping_group_range": f"{gid} {gid}"})


def _own_names(folder: Path) -> list[str]:
    """Give the range its own files in /etc. Where mounting is refused: the name servers to be played instead."""
    shown = {}
    for path, text in _ETC.items():
        own = folder / path.rpartition("/")[2]
        own.write_text(text)
        shown[path] = str(own)
    try:
        mount_privately(shown)
    except OSError:
        words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
        return [word[1] for word in words if word[:1] == ["nameserver"] and ":" not in word[1]]
    return []


def networks(holder: int) -> set[str]:
    """What names the two network namespaces, the far end's and the host's."""
    return {network_of("self"), network_of(holder)}
