"""A class behind a JupyterHub: the hub's configuration, and the server that it starts for each student.

`class_config.py` is for every kind of hub and needs only JupyterHub. `jupyterhub_config.py`
is a whole hub on one machine. `python -m labkit.classroom.hub` is a student's server.
"""
