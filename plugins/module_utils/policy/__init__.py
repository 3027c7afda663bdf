"""The password policy, written once: what is asked, how it is judged, how others are told.

Standard library only and relative imports only, since Ansible ships this package to hosts.
"""
