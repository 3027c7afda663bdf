"""Lines for the academy's SIEM: log-ins, refusals and acts of this host's journals, over syslog with TLS (RFC 5425).

The journals on disk are the queue: `follow` reads each from where it was, `ecs` makes events of the Elastic common
schema with the fields that the register of processing names, `send` carries them, `daemon` joins them.
"""
