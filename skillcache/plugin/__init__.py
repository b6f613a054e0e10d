"""The plugin folder that Claude Code loads, laid out for this Python, this client and the person's rules."""

NAME = "skillcache"
MARKETPLACE = "skillcache"
ID = f"{NAME}@{MARKETPLACE}"
# The first client whose mods may answer a call once it is allowed, and the first that takes a plugin from a command.
MODERN = (2, 1, 326)
OLDEST = (2, 1, 229)
