"""The parts that the pages of all subjects stand on."""
