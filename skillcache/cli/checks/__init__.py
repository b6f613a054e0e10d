"""What `skillcache doctor` looks at: a module per subject, a function `check_...(place) -> findings` per check."""
