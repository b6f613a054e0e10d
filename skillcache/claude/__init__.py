"""What Claude Code gives and shows: its events, results, permission rules, MCP servers, sandbox."""
