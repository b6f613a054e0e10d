import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "shared"))

from words import common  # noqa: E402

for word, count in common(Path(sys.argv[1]).read_text()):
    print(f"{count:4} {word}")
