"""Daemons of the platform: what each serves. Their entry points are lines of `malleposte.programs`."""
