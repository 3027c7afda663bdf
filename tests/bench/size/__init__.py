"""The platform at the size of an académie: accounts by its own import, boxes as files, and what each then costs."""
