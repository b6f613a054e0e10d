"""`skillcache agents --json`."""

from pydantic import RootModel


class Agents(RootModel[list[dict[str, str]]]):
    """The last active first; what is known of each, by name."""
