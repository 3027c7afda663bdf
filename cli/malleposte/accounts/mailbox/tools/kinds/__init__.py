"""The tools that a message can be told to, a file each. No real one was ever tried: their fields are from the published
references that each file names.
"""
