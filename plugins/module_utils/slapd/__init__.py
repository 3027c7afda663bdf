"""Common code of the modules for slapd: LDIF, differences of configuration, password digests, commands."""
