"""The machine: a port, a browser, memory, disk, and proxies that would catch the lab's own address."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import urllib.request
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

from labkit.jupyter.launch import FIRST_PORT, free_port, lab_folder
from labkit.services.environment import settings
from labkit.services.jupyter_server import server_of_home
from labkit.views.panels.readiness import Line

MEGABYTE = 2**20
MEMORY_NEEDED = 800 * MEGABYTE
"""JupyterLab, the sandbox with its range, and the kernels of four chapters held 760 MB when this was measured; a
browser on the same machine comes on top."""
DISK_NEEDED = 200 * MEGABYTE
"""A world is half a megabyte when new and grows with what students do; JupyterLab saves each chapter with its outputs
twice. The sandbox keeps its word only as long as it can write."""


def port_line() -> Line:
    """The port that JupyterLab would take. Raises LabError when none is free."""
    looked_at = f"127.0.0.1:{FIRST_PORT} and those after it"
    running = server_of_home(settings().home, lab_folder())
    if running is not None:
        found = f"JupyterLab of this lab runs already at {running.url}"
        return Line("Port", "ready", found, looked_at, "labkit lab --chapter 3 opens a chapter in it.")
    port = free_port()
    if port == FIRST_PORT:
        return Line("Port", "ready", f"{port} is free", looked_at)
    found = f"{FIRST_PORT} is taken by {_who_has(FIRST_PORT)}; {port} is free, and the lab takes it"
    return Line("Port", "ready", found, looked_at)


def _who_has(port: int) -> str:
    """The program that listens there, as far as this user may know."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and getattr(one.laddr, "port", 0) == port and one.pid:
                return f"{psutil.Process(one.pid).name()} (pid {one.pid})"
    return "another program"


def browser_line() -> Line:
    """The browser that would open; JupyterLab needs one with a screen."""
    looked_at = "what this user's desktop opens"
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        browser = None
    if browser is not None and type(browser) is not webbrowser.GenericBrowser:  # that is one of text, such as lynx
        return Line("Browser", "ready", str(getattr(browser, "name", type(browser).__name__)), looked_at)
    host = socket.gethostname()
    next_step = (
        "labkit lab --no-browser prints the address. From the computer with the screen first: "
        f"ssh -L {FIRST_PORT}:127.0.0.1:{FIRST_PORT} {host}"
    )
    return Line("Browser", "remark", "none on this machine", looked_at, next_step)


def memory_line() -> Line:
    """The memory that programs may still take here."""
    free = min(_available(), _left_in_container())
    found = f"{_size(free)} free; the lab takes about {_size(MEMORY_NEEDED)}"
    if free >= MEMORY_NEEDED:
        return Line("Memory", "ready", found, "what the system can still give")
    next_step = "Close other programs, or shut down kernels of other notebooks."
    return Line("Memory", "missing", found, "what the system can still give", next_step)


def _available() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _left_in_container(group: Path = Path("/sys/fs/cgroup")) -> int:
    """What the container's limit leaves; without a limit, more than any machine has."""
    try:
        most = int((group / "memory.max").read_text())
        return most - int((group / "memory.current").read_text())
    except (OSError, ValueError):  # no container of this kind, or the word `max`
        return 2**63


def disk_line(home: Path) -> Line:
    """The space where the lab keeps its files and its temporary ones."""
    import psutil

    folders = [next(one for one in (home, *home.parents) if one.is_dir()), Path(tempfile.gettempdir())]
    free = min(psutil.disk_usage(str(folder)).free for folder in folders)
    found = f"{_size(free)} free; the lab wants {_size(DISK_NEEDED)}"
    looked_at = " and ".join(map(str, folders))
    if free >= DISK_NEEDED:
        return Line("Disk", "ready", found, looked_at)
    return Line("Disk", "missing", found, looked_at, "Make room, or let LABKIT_HOME name a folder on another disk.")


def proxy_line() -> Line:
    """Proxies of the environment that programs would use even for this machine itself."""
    proxies = {name: address for name, address in urllib.request.getproxies_environment().items() if name != "no"}
    looked_at = "http_proxy, https_proxy, all_proxy, no_proxy"
    if not proxies:
        return Line("Proxy", "ready", "none", looked_at)
    told = ", ".join(sorted({_without_password(address) for address in proxies.values()}))
    if urllib.request.proxy_bypass("127.0.0.1"):
        return Line("Proxy", "ready", f"{told}, and 127.0.0.1 goes past it", looked_at)
    found = f"{told} would catch 127.0.0.1 in programs of other terminals; the lab itself goes past it"
    return Line("Proxy", "remark", found, looked_at, "export no_proxy=127.0.0.1,localhost")


def _without_password(address: str) -> str:
    """A proxy's host and port."""
    return urlsplit(address if "//" in address else f"//{address}").netloc.rpartition("@")[2]


def _size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count // MEGABYTE} MB"
