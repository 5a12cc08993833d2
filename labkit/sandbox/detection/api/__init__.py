"""The detection service's REST API: requests in, replies from the store."""
