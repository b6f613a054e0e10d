"""What will surely be asked next, run before it is asked for: off, unless a rule of the person's says `ahead`."""
