"""How a program knows that it is on the lab's host. Nothing is imported: every program of the range loads this."""

HOST_VARIABLE = "LABKIT_RANGE"
"""The environment variable that each program on the host has; its value names that one range."""

NOT_ON_THE_HOST = "{} does not work on the lab's host, which reaches only the lab's own internet. Use another terminal."
"""The message of the lab's own commands and of the AWS CLI there, with their name."""
