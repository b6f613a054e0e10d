"""What a session did, recorded as it happens, and the brief that the next one begins with.

An event of the client becomes a `record` (`story`), redacted and cut; `delivery` takes it to the store's `journal`,
or to the `spool` where the store does not answer. `brief` turns what a journal tells into facts for the next session.
"""
