"""Calls about what agents share: boxes and their mail, lists and their archives, teams."""
