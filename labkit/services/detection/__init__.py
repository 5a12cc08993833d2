"""The client of the detection service v2 REST API."""
