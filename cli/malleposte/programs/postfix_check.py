"""Refuse a Postfix configuration directory that Postfix would only refuse in service (role postfix)."""

from malleposte.adapters.postfix_check import main

__all__ = ["main"]
