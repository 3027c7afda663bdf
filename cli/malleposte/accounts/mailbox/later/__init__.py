"""Send later: a message that its owner lays into « À envoyer » goes at its hour, by the rules of submission."""
