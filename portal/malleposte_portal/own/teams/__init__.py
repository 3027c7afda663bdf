"""« Mes équipes »: the teams of an agent, their members, links and ends."""
