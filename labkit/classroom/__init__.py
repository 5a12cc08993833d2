"""All that serves a class. The lab works without this folder."""
