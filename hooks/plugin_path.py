"""The plugin's folder, from a checkout that nobody has installed: see plugin_path.sh."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
from skillcache.cli.setup.bundle import main

main()
