"""Convocations: an office has agents come, each by an invitation that its agenda takes without a click.

`feed` reads a file, `plan` compares it with what was sent, `store` keeps each convocation on the directory's host,
`work` sends: the entry in the agenda (`agenda`), the letter (`letter`) with the invitation (`itip`) and the order as
PDF (`paper`). `replies` reads the office's box, `count` judges the answers, `report` tells them. The portal gives
`orders`.
"""
