"""Scripted sessions of the real client: a model on loopback that says what a script has it say."""
