"""What the sandbox adds for a class."""
