"""The acts on hosts, by subject: each is one function, which `table.act` declares."""

from malleposte.accounts.hosts.acts import (
    agendas,
    contents,
    convocations,
    deliveries,
    log_ins,
    mailbox,
    queue,
    record,
    reports,
    retraction,
    sessions,
    traces,
    unused,
    upkeep,
)

__all__ = [
    "agendas",
    "contents",
    "convocations",
    "deliveries",
    "log_ins",
    "mailbox",
    "queue",
    "record",
    "reports",
    "retraction",
    "sessions",
    "traces",
    "unused",
    "upkeep",
]
