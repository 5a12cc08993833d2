"""Panels: what a cell did, found or could not do."""

from labkit.views.panels.basic import SYMBOLS, CheckPanel, ErrorPanel, Fault, Happened, Note

__all__ = ["SYMBOLS", "CheckPanel", "ErrorPanel", "Fault", "Happened", "Note"]
