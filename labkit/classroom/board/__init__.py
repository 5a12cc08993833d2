"""The board: where every student of a class is, read from the world at one moment with a fixed number of calls.

It reads, and changes nothing. Nobody registers: a student is seen by what bears their number.
"""

from __future__ import annotations

TOKEN_HEADER = "X-Labkit-Board-Token"
"""Shows the token to the board where a proxy has checked who asks, so that no link ever holds it."""

TOKEN_VARIABLE = "LABKIT_BOARD_TOKEN"
"""Gives the board that token when such a proxy starts it."""
