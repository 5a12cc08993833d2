"""The kernels of the lab's JupyterLab."""

from __future__ import annotations

import os
import sys

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager


class SafeKernelSpecs(KernelSpecManager):
    """Has the kernels of this Python start with `-P`: a file beside the chapters, such as `re.py`, cannot then be taken
    for a module that the kernel needs before it can put the folder last (`labkit.jupyter.kernel`)."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = super().get_kernel_spec(kernel_name)
        python, *rest = spec.argv or ("",)
        if "ipykernel_launcher" in rest and "-P" not in rest and _is_this_python(python):
            spec.argv = [python, "-P", *rest]
        return spec


def _is_this_python(program: str) -> bool:
    """Whether a kernel's program is the Python of this process, which knows `-P`; one of before 3.11 does not.

    Source: jupyter_client, `KernelManager.format_kernel_cmd`, which takes sys.executable for these names.
    """
    if program in {"python", "python3", "python{}.{}".format(*sys.version_info)}:
        return True
    return os.path.exists(program) and os.path.samefile(program, sys.executable)
