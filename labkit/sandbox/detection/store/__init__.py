"""The tables of the detection service, in SQLite."""
