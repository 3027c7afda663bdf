"""Second factors of agents, as accountd knows them: recovery codes and letters. The factors themselves are the
log-in page's: `accountd.factors` hears from it what it must know.
"""
