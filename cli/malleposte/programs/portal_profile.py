"""Make and sign the configuration profile of one device (role portal)."""

from malleposte.front.sign_profile import main

__all__ = ["main"]
