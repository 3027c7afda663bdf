"""Stand before SOGo: nginx hands over each request that saves something in an agenda, or asks for busy times.

SOGo looks whether a room is free, and saves, in two steps without a lock: of two saves at once, both find it free. Here
saves that name the same address go to SOGo one after another (`turns`); all others go at once. SOGo's own check then
sees what the one before has saved, repetitions and moved events too, and its own refusal tells the agent.

SOGo tells devices when agents of its own class are busy; the times of the others are added (`times`).

Nothing is proved here: nginx has asked the router who asks (role dav), and SOGo believes the headers of nginx alone.
"""
