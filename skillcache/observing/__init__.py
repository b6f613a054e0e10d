"""Calls that no rule names, counted by digest: which rule would name one, the log of them, and what a rule is worth."""
