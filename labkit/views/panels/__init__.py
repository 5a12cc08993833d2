"""Panels: what a cell did, found or could not do."""

from labkit.views.panels.basic import SYMBOLS, ActionResult, CheckPanel, ErrorPanel, InternalError, Note

__all__ = ["SYMBOLS", "ActionResult", "CheckPanel", "ErrorPanel", "InternalError", "Note"]
