"""Scripts of skills: which command runs one, what its SKILL.md declares, what it depends on and what it leaves.

A skill is a folder with a SKILL.md whose own folder is named `skills`. No hook comes here for a line without that word.
"""
