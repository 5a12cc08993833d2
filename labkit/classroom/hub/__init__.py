"""A class behind a JupyterHub: what the hub is told, and the server that it starts for each student.

`class_config.py` is the same for every kind of hub and needs nothing but JupyterHub beside it. `jupyterhub_config.py`
is a whole hub on one machine. `python -m labkit.classroom.hub` is a student's server.
"""
