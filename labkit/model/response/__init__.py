"""What to deny when an alert comes in, and what never to deny."""
