"""Backups: what a host sends to its vaults, what they hold, and what a vault does with it.

All of it runs on the hosts (clients and vaults); the controller only reaches them.
"""
