"""Settings that somebody else may have left in an account: found on its hosts, removed one by one."""
