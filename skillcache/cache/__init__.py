"""From what a rule names to an entry that may be served: key, decision, claim, verification, invalidation."""
