"""Accounts: from rows to entries. Names and addresses, the sample accounts of a lab, the probe's accounts."""
