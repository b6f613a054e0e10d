"""What became of the reads of one cache object."""

from threading import Lock


class Counts:
    """hits: values served; misses: computed, or the default given; errors: times the store failed a call."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.errors = 0
        self._lock = Lock()

    def add_hit(self) -> None:
        with self._lock:
            self.hits += 1

    def add_miss(self) -> None:
        with self._lock:
            self.misses += 1

    def add_error(self) -> None:
        with self._lock:
            self.errors += 1
