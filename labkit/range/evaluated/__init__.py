"""Decides from the entries alone: all of tier 3, and the connections of tier 2."""
