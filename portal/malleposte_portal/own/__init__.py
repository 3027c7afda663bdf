"""The agent's own section: account, devices and log-ins, journal, interface. For agents who are logged in.

All is asked of accountd with the token of the log-in, which accountd verifies itself: nothing here decides whose
account it is.
"""

from malleposte_portal.own.diagnosis import diagnose
from malleposte_portal.own.pages import ACTS, ADDRESSES, FORMS, VIEWS

__all__ = ["ACTS", "ADDRESSES", "FORMS", "VIEWS", "diagnose"]
