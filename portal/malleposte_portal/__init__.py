"""The self-service portal (PIA): home, first log-in, password.

A Flask application. It holds no credential of the directory and no key: every act goes through accountd
(`malleposte.accountd.client`), which proves, limits and writes it down.
"""

from malleposte_portal.app import create_app

__all__ = ["create_app"]
