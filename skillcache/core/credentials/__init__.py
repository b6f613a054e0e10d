"""Credentials in text: found, so that a result is not stored, and redacted, so that a log may name a command."""
