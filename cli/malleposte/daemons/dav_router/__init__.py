"""Authenticate requests for agendas and address books, and name the service. nginx asks before it forwards a request.

The password is proved by Dovecot over its auth socket, with the client's own address: the same states of an account,
the same cache, the same delays and lock-outs as for mail. Nothing is kept here but digests of refusals, under a key
that dies with the process, so that the same wrong password of one address counts once in what fail2ban reads.

Requests come over a Unix socket, with the client's address in ``X-Real-IP``. Questions have the path ``/TREE``, where
TREE is ``root`` or the name of a back end, and the headers ``Authorization`` (Basic) and ``X-Original-URI``. Answers:

200  ``X-Dav-User`` (uid), ``X-Dav-Path`` (to ask the back end), ``X-Dav-Route``: a back end, or ``moved`` (the agent's
     tree of another back end: look again from the root), or ``gone`` (something inside it)
401  not proved; unknown and refused are alike
503  Dovecot gives no answer: no client must take that for a wrong password

SOGo's agents log in by the academy's page (OpenID Connect, with PKCE), and this daemon is the client. SOGo itself has
no session: nginx asks ``/session`` before every page of it and hands on who asks, with the agent's token in the place
of a password. SOGo's own client believes a name that it has just checked, whatever token comes with it, and two
requests at the end of a token log an agent out; here a session has one owner, and its token is renewed once.

``/session``  200 with ``X-Session-User`` and ``X-Session-Authorization``, or 401: a visitor, or another site's request
``/sign-on``  leads a visitor to the log-in page, with a state that is in this browser's cookie too
``/back``     the way back: lets in who went out from here
``/log-out``  ends the session here and at the log-in page

The provider tells of log-outs elsewhere (Back-Channel Logout), for both webmails:

``/ended/sogo``       ends SOGo's sessions of that log-in
``/ended/roundcube``  has nginx ask Roundcube, which forgets its own (``X-Accel-Redirect``)

Both answer 200, or 400 to what is no log-out token for that webmail.
"""
