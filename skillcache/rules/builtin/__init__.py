"""The built-in rules' tables, one module per ecosystem."""
