# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS records of the platform: what must be published, as a zone file, and questions to a server.

Standard library and relative imports only: the command line, the Ansible filters and the modules share it.
"""
