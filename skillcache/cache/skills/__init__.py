"""What scripts of skills depend on and leave behind: their inputs, their outputs, the folders that they work in."""
