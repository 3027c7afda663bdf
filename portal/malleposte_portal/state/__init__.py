"""« État de la plateforme »: what is wrong, a day and thirty of it drawn, for the DSI.

For agents who are logged in. Whether the agent is of the DSI, and has shown a second factor lately, accountd decides at
each request. What is shown is one document (malleposte.watch.state), which this portal can only ask for.
"""

from malleposte_portal.state import pages

SUBJECT = pages.SUBJECT
