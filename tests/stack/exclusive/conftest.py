"""Common code of this lane: some tests read the inventory in this process, others import plugins."""

from tests.support import ansible_loader

ansible_loader.start()
