"""Both sides as processes: made ready, served by uvicorn, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .load import Target

SECRET = "a" * 32
PREPARE = """
import django; django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
user, _ = get_user_model().objects.get_or_create(username="ann")
client = Client()
client.force_login(user)
print(client.cookies["sessionid"].value)
"""


@dataclass
class Side:
    process: subprocess.Popen[bytes]
    target: Target

    def cpu_seconds(self) -> float:
        """What the process has used so far; 0 where there is no /proc."""
        with suppress(FileNotFoundError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Side, Side]]:
    """Ours, and the plain one."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "BENCHMARK_DATABASE": str(folder / "db.sqlite3"),
    }
    command = [sys.executable, "-c", PREPARE]
    session = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    signed_in = {"Cookie": f"sessionid={session.strip()}; csrftoken={SECRET}", "X-CSRFToken": SECRET}
    with (
        serve("benchmarks.asgi:application", environment, signed_in) as site,
        serve("benchmarks.plain:application", environment, {}) as plain,
    ):
        yield site, plain


@contextmanager
def serve(application: str, environment: dict[str, str], headers: dict[str, str]) -> Iterator[Side]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    quiet = ["--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen([*command, *quiet], env=environment)
    try:
        wait_until_open(process, port)
        yield Side(process, Target(port, headers))
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("A side did not start.")
