"""What the pages of all subjects stand on."""
