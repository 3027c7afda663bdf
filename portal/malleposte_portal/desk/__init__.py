"""The help desk's section: agents found, their state shown, codes given, accounts blocked, lost factors removed, boxes
opened.

For agents who are logged in. Whether the agent is of a help desk, and whose, accountd decides alone at each request.
"""

from malleposte_portal.desk import boxes, pages

SUBJECTS = (pages.SUBJECT, boxes.SUBJECT)
