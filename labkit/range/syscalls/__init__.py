"""Tier 2: connect(2) is watched with seccomp and led to a local answer."""
