"""The resident process behind the plugin: the same answers, for the plugin's module."""
