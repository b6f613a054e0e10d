"""What `skillcache doctor` looks at: one module per subject, each with `check(place) -> findings`."""
