"""A command that may be answered: see skillcache/commands/stand_in.py. Started by a shim, not by the client."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
from skillcache.commands.stand_in import main

main(sys.argv[1:])
