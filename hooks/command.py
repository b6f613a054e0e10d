"""The command line for the plugin's own commands, which a checkout that nobody has installed has as well."""

import os
import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    from skillcache.__main__ import main
except ModuleNotFoundError as fault:
    from skillcache.cli.bare import main as run_bare

    sys.exit(run_bare(sys.argv[1:], fault, os.environ))
sys.exit(main())
