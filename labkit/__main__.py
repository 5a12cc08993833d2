"""`python -m labkit` is the command `labkit`."""

from labkit.cli.main import main

main()
