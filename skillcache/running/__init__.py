"""`skillcache run`: a command of a script or of CI, its streams recorded and replayed."""
