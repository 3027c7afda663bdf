"""Checks of an inventory and its hosts, made before anything is touched.

Offline: names, types and meaning of the variables, ports, groups, secrets. Then each host over ssh, all at once.
"""
