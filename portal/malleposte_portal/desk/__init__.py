"""The help desk's section: agents found, their state shown, codes given, accounts blocked, lost factors removed, boxes
opened, dangerous messages handed over.

For agents who are logged in. Whether the agent is of a help desk, and whose, accountd decides alone at each request.
"""

from malleposte_portal.desk import boxes, pages, sealed

SUBJECTS = (pages.SUBJECT, boxes.SUBJECT, sealed.SUBJECT)
