"""Collections are found by Ansible's own loader, with the repository's configuration, whichever test comes first."""

import os

from malleposte.paths import ANSIBLE_CFG

os.environ["ANSIBLE_CONFIG"] = str(ANSIBLE_CFG)

from ansible.plugins.loader import init_plugin_loader  # reads the configuration when imported

init_plugin_loader()
