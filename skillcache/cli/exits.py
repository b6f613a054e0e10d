"""What `skillcache` ends with."""

OK = 0
FAILED = 1  # it could not be done, or something needs mending; the last line says what and how
USAGE = 2  # the arguments were not understood (click's own number)
STOPPED = 130  # the person pressed Ctrl-C
