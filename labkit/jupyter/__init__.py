"""How JupyterLab is started, and its configuration."""
