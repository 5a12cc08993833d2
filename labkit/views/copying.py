"""Buttons that copy the text before them. Where no script runs, a click on an id or a command selects all of it.

JupyterLab runs the scripts of outputs made in its own session. The script uses the clipboard API, which only pages
loaded from this machine or over https have; elsewhere it selects the text, so that Ctrl+C copies it. A handout leaves
these buttons out.

Source: https://developer.mozilla.org/en-US/docs/Web/API/Clipboard/writeText (secure contexts)
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from labkit.views.marks import HEX

INSTEAD, LOOK, THE_SAME = "With the AWS CLI instead", "Look at it with the AWS CLI", "The same with the AWS CLI"
"""Captions of commands: one that does what the cell did, shows what is there now, or shows what the cell shows."""

_SCRIPT = (
    "(b=>{const f=b.closest('figure'),t=f?f.querySelector('code'):b.previousElementSibling,s=getSelection();"
    "s.selectAllChildren(t);"
    "(navigator.clipboard?navigator.clipboard.writeText(t.textContent):Promise.reject())"
    ".catch(()=>document.execCommand('copy'))"
    ".then(()=>{b.classList.add('copied');setTimeout(()=>b.classList.remove('copied'),2000)})})(this)"
)
_BUTTON = '<button type="button" class="copy" aria-label="Copy {}" title="Copy" onclick="{}">{}</button>'
_ICON = (
    '<svg viewBox="0 0 16 16" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="1.5" '
    'd="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"/></svg>'
)
_ID = re.compile(
    rf"<(?P<tag>samp|code)>(?:(?P<kind>vpc|acl|subnet)-{HEX}{{17}}|{HEX}{{8}}-(?:{HEX}{{4}}-){{3}}{HEX}{{12}})</(?P=tag)>"
)
_COMMAND = re.compile(r"<code>(?:aws |labkit |lab\.[a-z_]+\()[^<]*</code>")
_KINDS = {"vpc": "this VpcId", "acl": "this NetworkAclId", "subnet": "this SubnetId", None: "this id"}


def copies(html: object) -> Markup:
    """The markup with a button behind each id (of a VPC, a network ACL, a subnet, a rule) and each command.

    >>> copies(Markup("<samp>10.0.0.7</samp>"))
    Markup('<samp>10.0.0.7</samp>')
    >>> "Copy this VpcId" in copies(Markup("<samp>vpc-0123456789abcdef0</samp>"))
    True
    """
    commands = _COMMAND.sub(lambda found: f"{found[0]}{copy_button('this command')}", str(escape(html)))
    return Markup(_ID.sub(_with_button, commands))


def _with_button(found: re.Match[str]) -> Markup:
    return Markup("<span>{}{}</span>").format(Markup(found[0]), copy_button(_KINDS[found["kind"]]))


def copy_button(what: str) -> Markup:
    """A button that copies the element before it, or the code of the figure that it is in. what: its name."""
    return Markup(_BUTTON).format(what, _SCRIPT, Markup(_ICON))
