"""Handouts: the chapters as pages to read, without Jupyter, without the network, without a secret."""
