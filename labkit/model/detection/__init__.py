"""Rules, events and alerts of the detection service, and when an event raises an alert."""
