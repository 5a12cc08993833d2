"""The commands of a class: the sandbox for many, the keys to hand out, and joining on a student's machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from labkit.classroom.board.cli import board
from labkit.files import disk_errors, private_folder, readable
from labkit.model.endpoint import is_loopback
from labkit.model.errors import InvalidInput, LabError
from labkit.views.terminal import echo, in_terminal, prose

START_OPTIONS = (
    click.option("--class", "size", type=int, metavar="N", help="Serve a class of N students, numbered 1 to N."),
    click.option("--host", default="", metavar="ADDRESS", help="Where to serve it; by default, on this machine only."),
    click.option("--port", type=click.IntRange(1, 65535), help="Its port; by default 8443, or any free one."),
    click.option("--known-as", default="", metavar="NAME", help="The name students use for the host, if it differs."),
    click.option("--cert", "certificate", default="", metavar="FILE", help="A certificate; by default, one is made."),
    click.option("--key", default="", metavar="FILE", help="The certificate's key."),
    click.option("--tls", is_flag=True, help="Use TLS on 127.0.0.1 too, for which you need no class."),
    click.option("--yes", is_flag=True, help="Do not ask before listening on the network."),
)  # fmt: skip


def add_commands(main: click.Group) -> None:
    """Add the commands of a class to the command line; `labkit sandbox start` gets the options of a class."""
    groups: Any = main.commands
    groups["sandbox"].command("start")(_with_start_options(start))
    main.command("board")(board)
    main.command("join")(join)
    doc = "For instructors: print the keys of the class that `labkit sandbox start --class N` serves."
    main.group("class", cls=type(main), help=doc)(lambda: None).command("keys")(keys)


def _with_start_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(START_OPTIONS):
        command = option(command)
    return command


def start(yes: bool, **options: Any) -> None:
    """Start the sandbox, unless it is already running. The options serve a class; they are kept for the next start.

    A class can grow but not shrink. Example: labkit sandbox start --class 30 --host 192.168.1.20

    For programs with a fixed host: labkit sandbox start --tls --known-as api.threatstack.com --port 443
    """
    from labkit.sandbox.classroom import settings as class_settings
    from labkit.sandbox.classroom.plan import ClassOptions, plan
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    home = settings().home
    with disk_errors(home):
        private_folder(home)
    before = class_settings.load(home)
    wanted = plan(home, before, ClassOptions(**options))
    if wanted != before and wanted is not None:
        if wanted.beyond_this_machine and not yes:
            _ask(wanted)
        if sandbox_process.stop(home):
            echo("The sandbox restarts with the new settings. Nothing in it is lost.")
        with disk_errors(home):
            class_settings.save(home, wanted)
    try:
        found, started = sandbox_process.start(home)
    except LabError:
        with disk_errors(home):
            class_settings.save(home, before)
        if wanted != before:
            with suppress(LabError):  # better the old class than none
                sandbox_process.start(home)
        raise
    echo(f"The sandbox {'was started' if started else 'is already running'} at {found.url} (pid {found.pid}).")
    if notice := (found.health() or {}).get("notice"):
        echo(notice)
    if wanted is not None:
        echo(prose("\n".join(_class_lines(wanted))))
    if wanted is not None and before is not None and before.size and _joined_at(before) != _joined_at(wanted):
        echo("The address or certificate changed. Students must run `labkit join` again with a new block.")


def _joined_at(served: Any) -> tuple[str, str]:
    """What students joined with: the URL of the class and its certificate."""
    return served.url, served.certificate


def _ask(wanted: Any) -> None:
    """Explain what listening beyond this machine means, and ask for confirmation."""
    where = "every address of this machine" if wanted.host in ("0.0.0.0", "::") else wanted.host
    opened = (
        f"This opens the sandbox to other machines. It will listen at {where}, port {wanted.port}:\n"
        "every machine that reaches that address can send it requests. A firewall may have to allow them."
    )
    if wanted.host.startswith("127.") or wanted.host in ("::1", "localhost"):
        opened = (
            f"The sandbox will listen at {where}, port {wanted.port}, which only this machine reaches.\n"
            f"A proxy that serves it as {wanted.name} opens it to other machines; a firewall may have to allow them."
        )
    echo(
        f"{opened}\n\n"
        f"What protects it: {_tls_words(wanted)} Every request is signed with a student's own keys,\n"
        "and no secret key is ever sent. What only you may see, such as the list of keys, answers only on 127.0.0.1.\n"
        "What is not protected: anyone who gets a student's block can act as that student in this class.\n"
    )
    if not click.confirm("Continue?"):
        raise click.Abort


def _tls_words(wanted: Any) -> str:
    whose = "a certificate made here" if wanted.own_certificate else f"your certificate {wanted.certificate}"
    return f"TLS, with {whose}."


def _class_lines(served: Any) -> list[str]:
    """What an instructor needs to know about the class."""
    from labkit.sandbox.classroom import certificate

    pinned = certificate.pinned(Path(served.certificate)) if served.tls else ""
    signed = f"Certificate (SHA-256): {pinned}" if pinned else "Its certificate is signed by an authority."
    if not served.size:
        in_hosts = "" if is_loopback(served.url) else f"add the line “{served.host} {served.name}” to /etc/hosts, and "
        trust = in_terminal(f'Before you start a program: {in_hosts}type eval "$(labkit env)"')
        return [f"Your lab also answers at {served.url}, for this machine only.", signed, trust]
    return [
        f"It serves a class of {served.size} at {served.url}",
        *([signed] if served.tls else ()),
        in_terminal("Hand out the keys with `labkit class keys`")
        + "; each student runs `labkit join` and pastes theirs.",
        f"For your own lab on this machine, use a student number above {served.size}.",
    ]


def served_lines(home: Path, running: bool) -> list[str]:
    """Lines about the class that this home's sandbox serves, or will serve when it runs; none without a class."""
    from labkit.sandbox.classroom import settings as class_settings

    served = class_settings.load(home)
    if served is None:
        return []
    if running:
        return _class_lines(served)
    if not served.size:
        return [f"When started, your lab also answers at {served.url}."]
    return [f"When started, it serves the class of {served.size} at {served.url}."]


def host_lines(home: Path) -> list[str]:
    """Where a student's host in a class runs; no line if none runs."""
    from labkit.classroom.host_process import host_folder
    from labkit.services import sandbox_process

    found = sandbox_process.find(host_folder(home))
    return [f"Your host in the class runs (pid {found.pid}). Its files: {host_folder(home)}"] if found else []


def facts(home: Path) -> dict[str, Any] | None:
    """The class that this home's sandbox serves, for `labkit sandbox status`; None without one."""
    from labkit.sandbox.classroom import certificate
    from labkit.sandbox.classroom import settings as class_settings

    served = class_settings.load(home)
    if served is None:
        return None
    pinned = certificate.pinned(Path(served.certificate)) if served.tls else ""
    return {"size": served.size, "url": served.url, "host": served.host, "port": served.port, "fingerprint": pinned}


@click.argument("student", required=False, metavar="[NUMBER]")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a mail merge.")
def keys(student: str | None, as_csv: bool) -> None:
    """Print the blocks of keys that students paste into `labkit join`: all of them, or one student's.

    They are secrets. If you write them to a file, make it readable only by you: umask 077
    """
    from labkit.classroom import keys as class_keys
    from labkit.model.student import parse_student_number
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    number = None if student is None else parse_student_number(student)
    sandbox = sandbox_process.find(settings().home)
    if sandbox is None:
        raise LabError("The sandbox is not running.", "It has the keys.", "Start it: labkit sandbox start")
    chosen = class_keys.class_keys(sandbox, number)
    echo((class_keys.as_csv if as_csv else class_keys.as_blocks)(chosen), nl=False)


@click.argument("file", required=False, type=click.File("rb"))
@click.option("--leave", is_flag=True, help="Leave the class, and forget its keys.")
def join(file: Any, leave: bool) -> None:
    """Join a class: paste the block of keys that your instructor gave you, or name a file that contains it.

    The keys are tested, then saved in the lab's home. From then on the lab uses the class's sandbox.
    """
    from labkit.classroom import join
    from labkit.classroom.class_keys import ClassKeys
    from labkit.services.environment import home_folder
    from labkit.steps.session import open_session

    home = home_folder()
    if leave:
        left = join.leave(home)
        echo("You left the class. Its keys were deleted here." if left else "There was no class to leave.")
        return
    block = ClassKeys.parse(readable(file.read()) if file is not None else _pasted())
    echo(f"Testing the keys of student {block.student} with the class …")
    join.join(home, block)
    backend = open_session().backend
    backend.aws.point_aws_cli()
    echo(prose(in_terminal(f"You are student {block.student}. {backend.sentence}\nNow open the lab: labkit lab")))


def _pasted() -> str:
    """The text pasted into a terminal, up to an empty line, or everything from a pipe.

    A mail or a chat may have empty lines within: there the block is complete first, or the second empty line ends it.
    """
    if not sys.stdin.isatty():
        return readable(sys.stdin.buffer.read())
    echo(
        "Paste your block, then press Enter on an empty line (twice if nothing happens).\nWhat you paste is not shown."
    )
    lines: list[str] = []
    with _without_echo():
        for line in sys.stdin:
            if not line.strip() and lines and (not lines[-1].strip() or _is_complete("".join(lines))):
                break
            lines.append(line)
    return "".join(lines)


def _is_complete(text: str) -> bool:
    from labkit.classroom.class_keys import ClassKeys

    try:
        ClassKeys.parse(text)
    except InvalidInput:
        return False
    return True


@contextmanager
def _without_echo() -> Iterator[None]:
    """Turn off the terminal's echo: keys are pasted, and the terminal may be on a projector."""
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)  # what was pasted after the block is not for the shell
