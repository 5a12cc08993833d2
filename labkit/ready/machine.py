"""The machine: a port, a browser, memory, disk, and proxies that would intercept the lab's own address."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import urllib.request
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from labkit.jupyter.chapters import lab_folder
from labkit.jupyter.options import FIRST_PORT, free_port
from labkit.services.environment import settings
from labkit.services.jupyter_server import server_of_home
from labkit.views.panels.readiness import Line

MEGABYTE = 2**20
MEMORY_NEEDED = 800 * MEGABYTE
"""JupyterLab, the sandbox with its range, and four kernels took 760 MB when measured, without the browser."""
DISK_NEEDED = 200 * MEGABYTE
"""The sandbox's files start at half a megabyte and grow; JupyterLab saves each chapter with its outputs twice."""


def port_line() -> Line:
    """The port that JupyterLab would use. Raises LabError if none is free."""
    looked_at = f"127.0.0.1:{FIRST_PORT} and the ports after it"
    running = server_of_home(settings().home, lab_folder())
    if running is not None:
        found = f"JupyterLab of this lab is already running at {running.url}"
        return Line("Port", "ready", found, looked_at, "To open a chapter in it: labkit lab --chapter 3")
    port = free_port()
    if port == FIRST_PORT:
        return Line("Port", "ready", f"{port} is free", looked_at)
    return Line("Port", "ready", f"{FIRST_PORT} is used by {_owner(FIRST_PORT)}; the lab will use {port}", looked_at)


def _owner(port: int) -> str:
    """The program that listens on a port, as far as this user may see."""
    with contextlib.suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and getattr(one.laddr, "port", 0) == port and one.pid:
                return f"{psutil.Process(one.pid).name()} (pid {one.pid})"
    return "another program"


def browser_line() -> Line:
    """The browser that would open. JupyterLab needs a graphical one."""
    looked_at = "this user's default browser"
    browser: webbrowser.BaseBrowser | None = None
    with contextlib.suppress(webbrowser.Error):
        browser = webbrowser.get()
    if browser is not None and type(browser) is not webbrowser.GenericBrowser:  # a text browser, such as lynx
        return Line("Browser", "ready", str(getattr(browser, "name", type(browser).__name__)), looked_at)
    running = server_of_home(settings().home, lab_folder())
    port = free_port() if running is None else urlsplit(running.url).port
    tunnel = f"ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}"
    next_step = f"From a computer with a screen: {tunnel}; then `labkit lab --no-browser` here prints the address."
    return Line("Browser", "remark", "none on this machine", looked_at, next_step)


def memory_line() -> Line:
    """The memory that is still available."""
    free = min(int(psutil.virtual_memory().available), _left_in_container())
    found, looked_at = f"{_size(free)} free; the lab needs about {_size(MEMORY_NEEDED)}", "available memory"
    if free >= MEMORY_NEEDED:
        return Line("Memory", "ready", found, looked_at)
    return Line("Memory", "missing", found, looked_at, "Close other programs, or shut down other notebooks' kernels.")


def _left_in_container(group: Path = Path("/sys/fs/cgroup")) -> int:
    """What the container's memory limit leaves; without a limit, more than any machine has."""
    try:
        limit = int((group / "memory.max").read_text())
        return limit - int((group / "memory.current").read_text())
    except (OSError, ValueError):  # not in such a container, or the word `max`
        return 2**63


def disk_line() -> Line:
    """The space for the lab's files and for temporary files."""
    home = settings().home
    folders = [next(one for one in (home, *home.parents) if one.is_dir()), Path(tempfile.gettempdir())]
    free = min(psutil.disk_usage(str(folder)).free for folder in folders)
    found, looked_at = f"{_size(free)} free; the lab needs {_size(DISK_NEEDED)}", " and ".join(map(str, folders))
    if free >= DISK_NEEDED:
        return Line("Disk", "ready", found, looked_at)
    return Line("Disk", "missing", found, looked_at, "Free some space, or set LABKIT_HOME to a folder on another disk.")


def proxy_line() -> Line:
    """Proxies of the environment that programs would use even for this machine."""
    proxies = {address for name, address in urllib.request.getproxies_environment().items() if name != "no"}
    looked_at = "http_proxy, https_proxy, all_proxy, no_proxy"
    if not proxies:
        return Line("Proxy", "ready", "none", looked_at)
    named = ", ".join(sorted({_host_and_port(address) for address in proxies}))
    if urllib.request.proxy_bypass("127.0.0.1"):
        return Line("Proxy", "ready", f"{named}, not used for 127.0.0.1", looked_at)
    found = f"{named} would get requests for 127.0.0.1 from programs in other terminals; the lab does not use it"
    return Line("Proxy", "remark", found, looked_at, "export no_proxy=127.0.0.1,localhost")


def _host_and_port(proxy: str) -> str:
    """A proxy's address without its password."""
    return urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]


def _size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count // MEGABYTE} MB"
