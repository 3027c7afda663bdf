"""The state of the platform as the portal's page shows it: a fixed table of questions, one document of bounded size.

A vault answers the portal's host with it, so that a portal in other hands learns no more than its page shows.
"""
