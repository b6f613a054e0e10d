#!/usr/bin/env python3
"""A table of commas as a page."""

import argparse
import csv
import html
import os

parser = argparse.ArgumentParser()
parser.add_argument("table")
parser.add_argument("-o", "--output", required=True)
given = parser.parse_args()
with open(given.table, newline="") as file:
    rows = [f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in csv.reader(file)]
with open(given.output, "w") as file:
    file.write("\n".join(["<table>", *rows, "</table>", ""]))
os.chmod(given.output, 0o640)
print(f"wrote {len(rows)} rows to {given.output}")
