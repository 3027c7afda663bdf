"""Malleposte: stands up and runs the mail platform of a French académie on its own Debian hosts."""

__version__ = "0.7.0"
