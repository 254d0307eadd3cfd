"""Connections to PostgreSQL: streams hold none while they wait, and survive losing them."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from django_chatkit.models import ThreadItem
from django_chatkit.testing import user_input

from .test_servers import Site

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="needs PostgreSQL: not for this run"),
    pytest.mark.django_db(transaction=True),
]


def count_connections(database):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid != pg_backend_pid()", [database]
        )
        return cursor.fetchone()[0]


async def test_losing_the_database_during_an_answer_loses_nothing(chat, settings):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.SlowServer"}
    response = await chat.post({"type": "threads.create", "params": {"input": user_input("6 50")}})
    body = b""
    async for chunk in response.stream:
        body += chunk
        if b"piece2" in chunk:
            await sync_to_async(terminate_all)()
    assert b'"error"' not in body
    answer = await ThreadItem.objects.aget(type="assistant_message")
    assert answer.text.split() == [f"piece{number}" for number in range(6)]


def terminate_all():
    """As a restart of the database does to its clients."""
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
    connections.close_all()


class PostgresSite(Site):
    """The test site on a PostgreSQL database of its own."""

    def __init__(self, server, url, folder):
        super().__init__(server, folder)
        self.environment["DATABASE_URL"] = url
        self.session = self.python("-c", "from tests.test_servers import SETUP; exec(SETUP)").strip()


@contextmanager
def running(server, folder):
    name = "chatkit_streams"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    base = os.environ["DATABASE_URL"].rpartition("/")[0]
    site = PostgresSite(server, f"{base}/{name}", folder).start()
    yield site, name
    site.kill()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def site(tmp_path, transactional_db):
    with running("uvicorn", tmp_path) as site:
        yield site


@pytest.fixture
def site_with_pool(tmp_path, transactional_db, monkeypatch):
    """Two connections for eight threads, which make a stream's database work apart from the request's."""
    monkeypatch.setenv("DATABASE_POOL", '{"min_size": 1, "max_size": 2, "timeout": 5}')
    with running("gunicorn", tmp_path) as site:
        yield site


def test_requests_do_not_wait_for_each_others_connections(site_with_pool):
    site, _ = site_with_pool

    def answer(text):
        connection, response = site.ask(text)
        with closing(connection):
            return response.read()

    with ThreadPoolExecutor(8) as pool:
        assert all(b"piece2" in answer for answer in pool.map(answer, ["3 10"] * 8))


def test_open_streams_hold_no_connections(site):
    site, database = site
    warm_connection, warm = site.post("threads.list")
    assert warm.status == 200, warm.read()
    warm_connection.close()
    answers = [site.ask("2 6000") for _ in range(30)]
    time.sleep(2)
    assert count_connections(database) <= 2
    for http_connection, response in answers:
        assert b"piece1" in response.read()
        http_connection.close()
    time.sleep(0.5)
    assert count_connections(database) <= 2
    many = [site.ask("100 50") for _ in range(20)]
    for http_connection, response in many:
        response.read(600)
        response.close()
        http_connection.close()
    time.sleep(2)
    assert count_connections(database) <= 2, "lost connections of the browser must not leave ours behind"
