"""The closed network: the host, a link, and at its far end everything else. The network ACL filters at the far end.

    host 10.0.1.10 (eth0) ── veth ── (vpc) gateway 10.0.1.1, resolver 10.0.0.2, and every other address there is

Each side is a network namespace without any other device, so no packet can leave. Nothing is forwarded, so no kernel
setting has to be changed for that.
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
"""The host's own files, so that all names come from the range's resolver, not from nscd, sssd or systemd-resolved."""


def build(folder: Path, guard: Callable[[], None]) -> int:
    """Turn this process into the far end. Return the pid of a child that holds the host's namespace and calls `guard`.

    Raises OSError if the kernel or a policy of this machine refuses.
    """
    unshare_all()
    resolvers = _set_up_names(folder)
    socket.sethostname(HOST_NAME)
    set_kernel_values(_NO_DUPLICATE_DETECTION)
    loopback = [address for address in resolvers if address.startswith("127.")]
    holder, connect = _host(loopback, guard)
    ipv6 = os.path.exists("/proc/net/if_inet6")
    ip(_FAR.format(host=holder) + (_FAR_IPV6 if ipv6 else ""))
    others = [address for address in resolvers if address not in loopback]
    if others:
        ip("".join(f"addr add {address}/32 dev lo\n" for address in others))
    connect()
    for port in PAGE_PORTS:
        serve_pages(port)
    serve_drips(DRIP_PORT)
    for address in (dns.RESOLVER, *others):
        serve_dns(address)
    return holder


def _host(resolvers: list[str], guard: Callable[[], None]) -> tuple[int, Callable[[], None]]:
    """The pid of the process that holds the host's namespace, and a function that sets up its end of the link."""
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

    def connect() -> None:
        ours.send(b"w")
        if not ours.recv(2):
            raise OSError("the host's end of the link could not be set up")
        ours.close()

    return holder, connect


def _set_up_host(resolvers: list[str]) -> None:
    ip(_HOST + (_HOST_IPV6 if os.path.exists("/proc/net/if_inet6") else ""))
    for address in resolvers:
        serve_dns(address)
    gid = os.getgid()
    # Connection attempts time out after 3 s instead of two minutes, and ping needs no privilege.
    set_kernel_values({"ipv4/tcp_syn_retries": 1, "ipv4/tcp_retries2": 5, "ipv4/ping_group_range": f"{gid} {gid}"})


def _set_up_names(folder: Path) -> list[str]:
    """Mount the host's own files in /etc. If mounting is refused, return the name servers to imitate instead."""
    mounts = {}
    for path, text in _ETC.items():
        own = folder / path.rpartition("/")[2]
        own.write_text(text)
        mounts[path] = str(own)
    try:
        mount_privately(mounts)
    except OSError:
        words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
        return [word[1] for word in words if word[:1] == ["nameserver"] and ":" not in word[1]]
    return []


def networks(holder: int) -> set[str]:
    """The names of the two network namespaces, of the far end and of the host."""
    return {network_of("self"), network_of(holder)}
