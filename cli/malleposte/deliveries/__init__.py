"""The index of deliveries: what the filter and the journals said of each message of the last days (role deliveries).

`mail_log` reads the lines of Postfix and Dovecot, `join` brings them together with what the filter tells, `store`
keeps a file a day, `ask` is root's way to it.
"""
