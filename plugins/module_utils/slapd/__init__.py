"""What the modules for slapd share: LDIF, differences of configuration, password digests, commands."""
