#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
import json
import sys

with open(sys.argv[1]) as file:
    for name, year in sorted(json.load(file).items()):
        print(f"{name}: {2031 - year}")
