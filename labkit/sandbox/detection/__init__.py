"""The detection service: v2 REST API and engine."""
