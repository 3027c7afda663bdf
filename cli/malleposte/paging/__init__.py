"""Alarms that reach a person without the platform: by text message, and by a mail relay of another house.

Alarms come from Alertmanager on a vault, and from the heartbeats of vaults that are missing. The daemon is
`malleposte.daemons.pager`.
"""
