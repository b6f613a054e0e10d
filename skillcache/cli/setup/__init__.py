"""All that puts us into Claude Code: entries in its settings, the plugin's folder, the shipped skill."""

import json
import os
import shlex
from urllib.parse import unquote, urlsplit

from skillcache.core.paths import package_folder


def package() -> str:
    """What pip, pipx or uv are given to install this package anew, for a shell.

    Its name alone, which an index may know as somebody else's, only where it was installed by its name.
    """
    checkout = os.path.dirname(package_folder())
    if os.path.isfile(f"{checkout}/pyproject.toml"):
        return shlex.quote(checkout)
    from importlib.metadata import PackageNotFoundError, distribution  # `shellenv` has no use for what it takes

    try:
        # https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
        said = json.loads(distribution("skillcache").read_text("direct_url.json") or "{}")
        url = said["url"]
        parts = urlsplit(url)
        system = said.get("vcs_info", {}).get("vcs", "")
    except (PackageNotFoundError, ValueError, KeyError, AttributeError, TypeError):
        return "skillcache"
    return shlex.quote(unquote(parts.path) if parts.scheme == "file" and not system else f"{system}+{url}".lstrip("+"))
