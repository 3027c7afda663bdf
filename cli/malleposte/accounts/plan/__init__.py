"""Plans: from a feed or a document to changes of the directory, kept, checked and applied."""
