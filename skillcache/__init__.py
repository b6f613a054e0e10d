"""Replays the results of repeated Claude Code tool calls."""
