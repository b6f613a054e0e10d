"""Running ahead: what will surely be asked next is already running, where a rule of the person's own allows it."""
