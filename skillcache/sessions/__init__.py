"""What a session did, recorded as it happens, and the brief that the next one begins with."""
