"""The same answers from real servers: piece by piece, stopped, and with the process killed."""

import copy
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from django_chatkit.testing import user_input
from tests.openai_api import Answer, OpenAIAPI

ROOT = Path(__file__).parent.parent
SERVERS = {
    "uvicorn": ["-m", "uvicorn", "tests.asgi:application", "--port", "{port}", "--log-level", "warning"],
    "daphne": ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "{port}", "tests.asgi:application"],
    "runserver with daphne": ["-m", "django", "runserver", "--noreload", "127.0.0.1:{port}"],
    "runserver": ["-m", "django", "runserver", "--noreload", "127.0.0.1:{port}"],
    "gunicorn": [
        *["-m", "gunicorn", "tests.wsgi:application", "-b", "127.0.0.1:{port}"],
        *["--worker-class", "gthread", "--threads", "8", "--log-level", "warning"],
    ],
}
SETUP = """
import django; django.setup()
from django.core.management import call_command; call_command("migrate", verbosity=0)
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
user = get_user_model().objects.create_user("ann")
session = SessionStore()
session.update({
    "_auth_user_id": str(user.pk),
    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
    "_auth_user_hash": user.get_session_auth_hash(),
})
session.save()
print(session.session_key)
"""
TOKEN = "a" * 32


class Site:
    """A server process on a database of its own, and a signed-in person."""

    def __init__(self, name, folder, **environment):
        self.name = name
        self.database = folder / "site.sqlite3"
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "SQLITE_NAME": str(self.database),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
            **environment,
        }
        if name == "runserver with daphne":
            self.environment["RUNSERVER_WITH_DAPHNE"] = "1"
        self.session = self.python("-c", SETUP).strip()

    def python(self, *arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def start(self):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [part.format(port=self.port) for part in SERVERS[self.name]]
        self.process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                return self
            assert self.process.poll() is None, f"{self.name} did not start"
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not open its port")

    def kill(self, how=signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        self.process.wait(20)

    def another(self):
        """One more process on the same database."""
        return copy.copy(self).start()

    @property
    def headers(self):
        return {
            "Content-Type": "application/json",
            "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
        }

    def post(self, request_type, alias="slow", **params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = json.dumps({"type": request_type, "params": params})
        connection.request("POST", f"/chatkit/{alias}/", body, self.headers)
        return connection, connection.getresponse()

    def post_half(self):
        """A message whose body does not arrive as a whole."""
        body = json.dumps({"type": "threads.create", "params": {"input": user_input("5 0")}}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", "/chatkit/slow/")
        for name, value in {**self.headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body[: len(body) // 2])
        return connection

    def ask(self, text, alias="slow"):
        return self.post("threads.create", alias, input=user_input(text))

    def rows(self):
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(
                "SELECT type, text FROM django_chatkit_threaditem ORDER BY id"
            ).fetchall()

    def clear(self):
        with closing(sqlite3.connect(self.database, timeout=20)) as connection:
            connection.execute("DELETE FROM django_chatkit_threaditem")
            connection.execute("DELETE FROM django_chatkit_thread")
            connection.commit()


@pytest.fixture(scope="module")
def model():
    """An endpoint of a model, for agents in the servers' processes."""
    with OpenAIAPI() as api:
        yield api


@pytest.fixture(scope="module", params=SERVERS)
def site(request, tmp_path_factory, model):
    site = Site(request.param, tmp_path_factory.mktemp("site"), MODEL_URL=model.url).start()
    connection, response = site.post("threads.list")  # the first request imports the SDKs
    assert response.status == 200, response.read()
    connection.close()
    yield site
    site.kill()


@pytest.fixture(autouse=True)
def empty(site):
    site.clear()


def read_until(response, word):
    """The stream's lines up to the first that has this word, and when each came."""
    lines = []
    while line := response.readline():
        lines.append((time.monotonic(), line))
        if word in line:
            return lines
    raise AssertionError(f"{word!r} never came, only {lines[-3:]}")


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)
    return found


def test_answer_arrives_piece_by_piece(site):
    connection, response = site.ask("5 200")
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/event-stream"
    lines = read_until(response, b"thread.item.done")  # the user's own message
    lines = read_until(response, b"piece4")
    moments = [moment for moment, line in lines if b"text_delta" in line]
    assert len(moments) == 5
    assert moments[-1] - moments[0] > 0.5, "all pieces came at once"
    rest = response.read()
    assert b'"thread.item.done"' in rest
    assert b'"error"' not in rest
    connection.close()
    assert [kind for kind, _ in site.rows()] == ["user_message", "assistant_message"]


def test_stop_keeps_and_marks_the_partial_answer(site):
    connection, response = site.ask("200 50")
    read_until(response, b"piece5")
    response.close()
    connection.close()
    rows = wait_for(lambda: [row for row in site.rows() if row[0] == "sdk_hidden_context"] and site.rows())
    assert [kind for kind, _ in rows] == ["user_message", "assistant_message", "sdk_hidden_context"]
    assert "piece4" in rows[1][1]
    assert "piece100" not in rows[1][1]
    connection, response = site.post("threads.list")
    assert response.status == 200
    connection.close()


@pytest.mark.parametrize("doing", ["talking", "calling a tool"])
def test_stop_ends_the_run_of_an_agent(site, model, doing):
    words = Answer(*["word "] * 1000, seconds=0.02)
    model.answers = (
        [words] if doing == "talking" else [Answer("Wait. ", tool=("look", {})) for _ in range(90)]
    )
    connection, response = site.ask("hi", "agent")
    read_until(response, b"text_delta")
    response.close()
    connection.close()
    rows = wait_for(lambda: [row for row in site.rows() if row[0] == "sdk_hidden_context"] and site.rows())
    assert rows[1][0] == "assistant_message"
    wait_for(lambda: not model.running, seconds=2)
    asked = len(model.bodies)
    time.sleep(0.6)
    assert len(model.bodies) == asked, "the agent goes on"


def test_many_answers_at_once(site):
    started = time.monotonic()
    answers = [site.ask("5 100") for _ in range(6)]
    for connection, response in answers:
        assert b"piece4" in response.read()
        connection.close()
    assert time.monotonic() - started < 20
    assert [kind for kind, _ in site.rows()].count("assistant_message") == 6


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_killed_server_loses_at_most_a_second_of_text(site, how):
    connection, response = site.ask("400 20")
    read_until(response, b"piece120")
    site.kill(how) if how == signal.SIGKILL else os.killpg(site.process.pid, how)
    try:
        time.sleep(1.5)
        site.kill()
        connection.close()
        rows = site.rows()
        assert [kind for kind, _ in rows][:2] == ["user_message", "assistant_message"]
        said = rows[1][1].split()
        assert len(said) >= 60, f"only {len(said)} of 120 pieces were kept"
    finally:
        site.start()


def test_bodies_that_break_off_store_nothing_and_hold_up_nobody(site):
    # gunicorn has eight threads: without a proxy that waits for bodies, eight such people would take them.
    halves = [site.post_half() for _ in range(7 if site.name == "gunicorn" else 20)]
    connection, response = site.post("threads.list")
    assert response.status == 200
    assert json.loads(response.read())["data"] == []
    for each in [connection, *halves]:
        each.close()
    connection, response = site.ask("1 0")
    response.read()
    connection.close()
    assert [kind for kind, _ in site.rows()] == ["user_message", "assistant_message"]


def test_two_processes_know_the_same(site):
    """What one deletes stays deleted, though the other is still writing the answer."""
    other = site.another()
    try:
        warmed, reply = other.post("threads.list")  # the first request imports the SDKs
        assert json.loads(reply.read())["data"] == []
        connection, response = site.ask("60 100")
        created = read_until(response, b"thread.created")[-1][1]
        thread_id = json.loads(created.removeprefix(b"data: "))["thread"]["id"]
        read_until(response, b"piece3")
        listed, reply = other.post("threads.list")
        assert [thread["id"] for thread in json.loads(reply.read())["data"]] == [thread_id]
        deleted, reply = other.post("threads.delete", thread_id=thread_id)
        assert reply.status == 200, reply.read()
        rest = response.read()
        assert b"This conversation was deleted." in rest
        assert b"piece59" not in rest
        for each in (warmed, connection, listed, deleted):
            each.close()
        assert site.rows() == []
    finally:
        other.kill()
