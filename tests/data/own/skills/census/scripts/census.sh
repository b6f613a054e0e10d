#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:?usage: census.sh FOLDER}
[ -d "$folder" ] || { echo "no folder: $folder" >&2; exit 2; }
while IFS= read -r ending; do
  count=$(find "$folder" -type f -name "*.$ending" | wc -l)
  printf '%s\t%d\n' "$ending" "$count"
done <"$here/endings"
