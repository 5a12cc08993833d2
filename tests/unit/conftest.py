"""Property tests without a clock: a busy machine is no fault of the code. Under CI, hypothesis' own profile holds."""

from __future__ import annotations

import os

from hypothesis import settings

if not os.environ.get("CI"):
    settings.register_profile("without a deadline", deadline=None)
    settings.load_profile("without a deadline")
