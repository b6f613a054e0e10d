"""Agents that know of each other: who is there, and messages that reach them while they work."""
