"""New events of an agenda that an agent chose, which a tool is told of as of a message."""
