"""Convocations: those of an agent, and those that an office sends."""
