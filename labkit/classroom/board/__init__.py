"""The board: the progress of every student of a class, read from the services with a fixed number of calls.

It changes nothing. Nobody registers: a student is recognised by what has their number.
"""

from __future__ import annotations

TOKEN_HEADER = "X-Labkit-Board-Token"
"""The header in which a proxy that has authenticated the user sends the token."""

TOKEN_VARIABLE = "LABKIT_BOARD_TOKEN"
"""The variable in which that proxy gives the board its token."""
