"""The record of a host: log-ins and mail that the filter refused, by account, for some days (docs/adr/0039-record.md).

`model` says what is recorded, `store` keeps it, `tell` adds to it, `ask` reads and erases. Only the daemon `record`
opens the store; daemons that know of a log-in tell it, root asks it.
"""
