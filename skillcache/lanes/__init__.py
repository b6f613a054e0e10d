"""The lanes: ways to give Claude Code a result, one module each of one shape.

    admit(call, planned)                        raises Bypass for a call that the lane does not answer
    present(call, planned, consulted, entry)    the lane's words for the entry as the call's result, or the outcome for
        -> str | Outcome                        which the tool runs instead. Raises Bypass and OSError.

What is looked up, served and stored is decided before them, the same for all.
"""
