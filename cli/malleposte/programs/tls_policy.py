"""Tell Postfix how to reach a domain over TLS (role mta_sts_resolver)."""

from malleposte.daemons.tls_policy import main

__all__ = ["main"]
