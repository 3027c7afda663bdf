"""The agent's own section: account, devices and log-ins, journal, interface. For agents who are logged in.

All is asked of accountd with the token of the log-in, which accountd verifies itself: nothing here decides whose
account it is.
"""

from malleposte_portal.own import (
    account,
    charges,
    convocations,
    data,
    devices,
    diagnosis,
    factors,
    log_ins,
    phones,
    profiles,
    recovery,
    senders,
    undelete,
)
from malleposte_portal.own.meetings import invite, polls, slots
from malleposte_portal.own.messages import archiving, circulars, hours, later, owners, quarantine, tools, trace
from malleposte_portal.own.teams import pages as teams

SUBJECTS = tuple(
    module.SUBJECT
    for module in (
        account, devices, phones, profiles,
        recovery, factors, log_ins, charges, undelete, quarantine, senders, hours, later, archiving, tools, owners,
        circulars, convocations, slots, invite, polls, teams, data, diagnosis, trace,
    )
)  # fmt: skip
