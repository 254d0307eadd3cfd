"""The benchmarks run; how fast is no test's business."""

import os
import subprocess
import sys
from pathlib import Path

SMALLEST = "--runs 1 --people 2 --pieces 5 --times 2 --paced 2"


def test_both_sides_are_measured():
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *SMALLEST.split()],
        cwd=Path(__file__).parent.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "events a second, at once" in done.stdout
    assert "a list 3." in done.stdout
