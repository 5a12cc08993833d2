"""Tier 1: a network namespace whose packets nftables filters."""
