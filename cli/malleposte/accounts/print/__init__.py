"""Activation letters: a new INA code for each agent who waits for one, printed once.

``choose``   whom a letter is for, school by school
``issue``    codes into the directory, letters out, a part at a time
``page``     the page, in French and in English, as PDF
``table``    the same as CSV, for mail merge
``bundle``   the files on their way from the host, and into a folder that its owner alone reads

A code is on the paper and nowhere else: the directory keeps a keyed digest. What was issued and never printed, since
something broke on the way, is void once the command runs again.
"""
