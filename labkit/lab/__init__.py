"""What a chapter's cells call, a module a part of the lab; `labkit.lab.Lab` puts them together."""
