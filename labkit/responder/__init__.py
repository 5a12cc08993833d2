"""The responder: alerts of one rule in, deny entries of one network ACL out."""

from labkit.responder.alert_listener import Wait
from labkit.responder.responder import INTERVAL_SECONDS, LOOK_BACK_SECONDS, Responder

__all__ = ["INTERVAL_SECONDS", "LOOK_BACK_SECONDS", "Responder", "Wait"]
