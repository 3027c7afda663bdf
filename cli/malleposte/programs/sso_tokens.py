"""Say to Dovecot whether a token of the academy's own provider opens mail (role sso_tokens)."""

from malleposte.daemons.sso_tokens import main

__all__ = ["main"]
