"""The kernels of the lab's JupyterLab."""

from __future__ import annotations

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager


class SafeKernelSpecs(KernelSpecManager):
    """Has this environment's own kernel start with `-P`: a file beside the chapters, such as `re.py`, cannot then be
    taken for a module that the kernel needs before it can put the folder last (`labkit.jupyter.kernel`)."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = super().get_kernel_spec(kernel_name)
        if spec.argv[:3] == ["python", "-m", "ipykernel_launcher"]:
            spec.argv = ["python", "-P", *spec.argv[1:]]
        return spec
