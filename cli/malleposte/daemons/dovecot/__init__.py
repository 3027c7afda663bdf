"""Programs beside Dovecot on a host of mailboxes.

``nightly``     what was expunged or sealed long ago goes, large folders are indexed
``quota``       what commands of clients leave beside the quota is set right
"""
