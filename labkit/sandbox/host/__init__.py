"""The simulated host: where it is, and what its connections become."""
