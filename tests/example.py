"""The example, served for tests as ``make demo`` serves it, but with a folder and a port of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

EXAMPLE = Path(__file__).parent.parent / "example_project"
START_SECONDS = 90


class Site:
    """A running example: its address, and what it printed."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.clients = ExitStack()

    @property
    def output(self) -> str:
        return self.log.read_text()

    def client(self, username: str = "") -> httpx.Client:
        """A browser's cookies, signed in as somebody or not."""
        client = self.clients.enter_context(httpx.Client(base_url=self.url, timeout=60))
        if username:
            page = client.get("/accounts/login/")
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text).group(1)
            data = {"username": username, "password": username, "csrfmiddlewaretoken": token}
            response = client.post("/accounts/login/", data=data, headers={"Referer": self.url})
            assert response.status_code == 302, response.text
        return client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """What a person's shell has, without what belongs to the tests."""
    ours = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE", "OPENAI_API_KEY"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {**inherited, "DATA": str(folder), **variables}


@contextmanager
def serve(folder: Path, **variables: str) -> Iterator[Site]:
    """Run demo.py until the end of the block; its whole process group ends with Ctrl-C's signal."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    site = Site(f"http://localhost:{port}", folder / "log.txt")
    with site.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, EXAMPLE / "demo.py"],
            env=environment(folder, PORT=str(port), **variables),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )
        try:
            wait_until_open(process, site)
            with site.clients:
                yield site
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(15)
            finally:
                end_for_good(process.pid)


def heed_ctrl_c() -> None:
    """A shell that runs the tests in the background would let all their children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until_open(process: subprocess.Popen[bytes], site: Site) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(site.url, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"The example did not start:\n{site.output}")


def end_for_good(group: int) -> None:
    """Whoever did not heed Ctrl-C is ended for good."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
