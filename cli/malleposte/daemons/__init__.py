"""Daemons of the platform: what each serves. Their entry points are in `malleposte.programs`."""
