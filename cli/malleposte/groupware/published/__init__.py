"""Published calendars: school holidays, exams, events of the academy, read by all agents or by those of a rule.

``model``      a calendar that is published, and its place in each engine
``content``    an iCalendar file: checked, and cut into the items that engines keep
``cards``      a file of cards, for the address books of teams: made, and cut into items
``fetch``      a file from an address
``store``      the files on the host of the web
``gather``     sources read again, members asked of the directory, the folder that nginx serves
``radicale``   the calendars in Radicale's store
``sogo``       the calendars in SOGo: agendas of a technical user, and the rights on them
``offers``     subscriptions that a job keeps in SOGo
``subscriptions``  of an agent in SOGo
``groupware``  common parts of the jobs of SOGo's user

``rooms`` has rooms and equipment, which agents book in their own agendas; ``boxes`` the agendas of functional boxes
and the address books of teams; ``schools`` the address books of schools.
"""
