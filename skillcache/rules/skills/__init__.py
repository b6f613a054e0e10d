"""Skills: which script a command runs, and what its SKILL.md declares."""
