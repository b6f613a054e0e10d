"""What `--json` of each command prints, as models: one module per command."""
