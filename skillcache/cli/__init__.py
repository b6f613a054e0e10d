"""What a person types: one module per command, imported when it is asked for."""
