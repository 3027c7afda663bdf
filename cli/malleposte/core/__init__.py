"""Foundations: errors and exit codes, loops that go on, paths, progress, programs that are run."""
