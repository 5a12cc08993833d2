"""Tables, each with its pandas frame."""
