"""Intercepts connect(2) with seccomp: tier 1 watches it, tier 2 redirects it to this machine."""
