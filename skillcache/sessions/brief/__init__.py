"""The brief that a session begins with: facts about what went before, from a store that anybody may have written to."""
