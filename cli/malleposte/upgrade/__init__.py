"""The daemons that unattended-upgrades leaves alone, upgraded one host at a time.

For each host: a way back, the packages (nothing restarts meanwhile), the daemons' own checks, restarts, a converge for
what the roles do to schemas, the probe. It stops at the first failure; typed again it goes on where it stood.
"""
