"""Distribution lists: who is on one, who may write to it, and the daemon that sends what is written to all of them.

``model``     a list as the directory has it
``rule``      a rule: words of an operator, the LDAP URL that is kept, the query that is asked
``members``   from a list to the mailboxes and addresses that receive it
``rights``    who may write to it, and what is held for a moderator
``message``   what is read of a message and what is written above it; its body is never touched
``spool``     messages on disk until all have them, or a moderator has decided
``pace``      so many recipients a minute
``carrier``   sends what the spool holds, a batch at a time
``intake``    what becomes of a message that comes in: carried, held, bounced, moderated
``notices``   the mails to moderators and writers
``servers``   the sockets: LMTP, Postfix's questions at RCPT, the operator's commands
``daemon``    all of that together
``edits``     an operator's commands, as changes of the directory
"""
