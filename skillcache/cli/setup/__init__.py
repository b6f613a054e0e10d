"""All that puts us into Claude Code: entries in its settings, the plugin's folder, the shipped skill."""
