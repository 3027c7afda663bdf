"""Circulars: the archive of a list, which those whom the list reaches search on the portal.

``reading``  what a message holds: its text, its attachments, each under a safe name
``html``     text out of HTML
``model``    the forms that hosts, accountd and the portal share
``store``    messages as files, which backups take, and the index of their words
``readers``  who read a circular, where the academy counts it
``ask``      asking the daemon of this host

The daemon is `daemons.circulars`. It takes messages from that of the lists alone, and questions from root alone.
"""
