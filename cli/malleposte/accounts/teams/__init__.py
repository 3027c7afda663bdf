"""Teams: functional boxes that agents make for a while, with a role for each member, an end and a page."""
