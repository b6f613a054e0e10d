"""What became of the reads of one cache object, or of one function."""

from threading import Lock


class Counts:
    """hits: values served; misses: computed, or the default given; errors: times the store failed a call.

    `wholes`: of which these are a part, and which count the same.
    """

    def __init__(self, *wholes: "Counts") -> None:
        self.hits = 0
        self.misses = 0
        self.errors = 0
        self._wholes = wholes
        self._lock = Lock()

    def add_hit(self) -> None:
        with self._lock:
            self.hits += 1
        for whole in self._wholes:
            whole.add_hit()

    def add_miss(self) -> None:
        with self._lock:
            self.misses += 1
        for whole in self._wholes:
            whole.add_miss()

    def add_error(self) -> None:
        with self._lock:
            self.errors += 1
        for whole in self._wholes:
            whole.add_error()
