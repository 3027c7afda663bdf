"""The pages of the DSI. accountd decides at each request whether the agent is of the DSI, by a factor shown lately."""

from malleposte_portal.dsi import reports, retractions

SUBJECTS = (retractions.SUBJECT, reports.SUBJECT)
