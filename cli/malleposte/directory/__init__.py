"""The directory for the rest of the program: typed entries behind a Protocol, with LDAP below.

Only this package imports ldap3.
"""
