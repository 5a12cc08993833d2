"""Chooses the two sides of the backend, each on its own: the sandbox of this machine, a live service, or a class."""

from __future__ import annotations

from labkit.backends.backend import AwsBackend, Backend, DetectionBackend
from labkit.backends.live import LiveAws, LiveDetection
from labkit.backends.sandbox import LocalSandbox, SandboxAws, SandboxDetection
from labkit.backends.wing import classroom
from labkit.model.settings import Settings


def choose_backend(wanted: Settings, sandbox: LocalSandbox) -> Backend:
    """The backend that the settings ask for; the sandbox where they say nothing. No service is asked.

    Raises LabError when a class's certificate cannot be fetched, or the lab was installed without the classroom.
    """
    aws = _aws(wanted) if wanted.aws == "live" else SandboxAws(sandbox)
    detection = _detection(wanted) if wanted.detection == "live" else SandboxDetection(sandbox)
    region = wanted.region if wanted.aws == "live" else ""  # the sandbox takes nothing of the student's AWS set-up
    return Backend(aws, detection, wanted.home, wanted.student, region, wanted.agreed)


def _aws(wanted: Settings) -> AwsBackend:
    if "AWS_ENDPOINT_URL" in wanted.joined:
        return classroom().aws_backend(wanted)
    return LiveAws(wanted, _certificate(wanted))


def _detection(wanted: Settings) -> DetectionBackend:
    if "LABKIT_DETECTION_URL" in wanted.joined:
        return classroom().detection_backend(wanted)
    return LiveDetection(wanted, _certificate(wanted))


def _certificate(wanted: Settings) -> str:
    """The file with the one certificate to trust, for LABKIT_CERTIFICATE; "" without it."""
    return classroom().certificate(wanted) if wanted.certificate else ""
