"""Ansible's own loader of collections, in the process of the tests."""

import os

from malleposte.core.paths import ANSIBLE_CFG


def start() -> None:
    """Let Ansible find collections, with the repository's configuration. It comes before any import of
    `ansible_collections`: Python's own import of a plugin would hide the collection's filters from Ansible.
    """
    os.environ["ANSIBLE_CONFIG"] = str(ANSIBLE_CFG)
    from ansible.plugins.loader import init_plugin_loader  # reads the configuration when imported

    init_plugin_loader()
