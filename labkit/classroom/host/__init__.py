"""The host of a student of a class, on the student's own machine: a range and nothing else.

The class's sandbox sends what filters it, and takes its connections as events.
`python -m labkit.classroom.host --home FOLDER` serves it with the control calls that a sandbox has for its own host.
"""

import logging

RETRY_SECONDS = 0.25
"""Between two tries while the class's sandbox does not answer."""

log = logging.getLogger("labkit.classroom.host")
