"""The help desk's section: agents found, their state shown, codes given, accounts blocked, lost factors removed.

For agents who are logged in. Whether the agent is of a help desk, and whose, accountd decides alone at each request.
"""

from malleposte_portal.desk.pages import ADDRESSES, FORMS, VIEWS

__all__ = ["ADDRESSES", "FORMS", "VIEWS"]
