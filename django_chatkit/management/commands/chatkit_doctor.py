"""``manage.py chatkit_doctor``: goes the whole way of a message and says where it ends."""

from __future__ import annotations

import re
from importlib import import_module
from time import monotonic as now
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.checks import ERROR, CheckMessage, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.test import AsyncClient, override_settings

from django_chatkit.checks.servers import examine_server
from django_chatkit.conf import conf
from django_chatkit.csp import origin_of
from django_chatkit.models import Thread
from django_chatkit.servers import servers
from django_chatkit.testing import ChatKitClient, Reply, user_input

BLOCKING_POLICIES = ("require-corp", "credentialless")
ADVICE = {
    302: "A middleware redirects it: exempt this URL.",
    401: "Sign in, or set allow_anonymous on the server class.",
    403: "Look at has_permission() and get_tenant() of the server class.",
    404: "Look at the URLs, and at middleware that hides this one.",
    503: "Is the database there? Was `manage.py migrate` run?",
}
MESSAGE = "Hello! This is chatkit_doctor, trying whether you answer."


class Command(BaseCommand):
    help = "Check the settings, build every chat server, and try the way of a message in this process."
    requires_system_checks = ()  # it runs them itself, and reports them among its own steps

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", action="append", help="alias of a server; default: all of them")
        parser.add_argument("--user", help="username of the person to ask as; default: a visitor")
        parser.add_argument("--stream", action="store_true", help="send a message too: it may cost money")

    def handle(self, *args: Any, **options: Any) -> None:
        self.failures = 0
        user = find_user(options["user"])
        with override_settings(ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, "testserver"]):
            if self.check_project():
                for alias in options["server"] or list(servers):
                    self.check_server(alias, user, options["stream"])
        if self.failures:
            raise CommandError(f"{self.failures} of these steps failed.")

    def check_project(self) -> bool:
        """System checks and tables."""
        self.known = run_checks(include_deployment_checks=not settings.DEBUG)
        self.report_all([message for message in self.known if not message.is_silenced()])
        try:
            Thread.objects.exists()
        except DatabaseError as error:
            self.fail("The tables cannot be read.", f"Run `manage.py migrate` ({type(error).__name__}).")
            return False
        self.ok("The tables are there.")
        return not self.failures

    def check_server(self, alias: str, user: Any, stream: bool) -> None:
        where = f"Server {alias!r}"
        if alias not in servers:
            return self.fail(f"{where} is not in CHATKIT_SERVERS.", f"Known are: {', '.join(servers)}.")
        problems = [one for one in examine_server(alias) if one not in self.known and not one.is_silenced()]
        if problems:
            self.report_all(problems)
        if any(problem.level >= ERROR for problem in problems):
            return None
        try:
            server = servers[alias]
        except Exception as error:  # whatever a project's __init__ does
            what = f"{type(error).__name__}: {error}"
            return self.fail(f"{where} cannot be made: {what}.", "Look at its __init__.")
        self.ok(f"{where} is {server_name(server)}.")
        if user is None and not server.allow_anonymous:
            return self.skip(f"{where} serves nobody who is signed out: give a --user to ask it as.")
        return async_to_sync(self.ask)(alias, user, stream)

    async def ask(self, alias: str, user: Any, stream: bool) -> None:
        person = Person(alias, user)
        try:
            if await self.list_threads(person) and stream:
                await self.send_message(person)
        finally:
            await sync_to_async(person.tidy_up)()

    async def list_threads(self, person: Person) -> bool:
        reply = await person.request("threads.list", limit=1, order="desc")
        if reply.status != 200:
            self.refused(person.url, reply)
            return False
        self.ok(f"{person.url} answers {person.name}.")
        policy = reply.response.headers.get("Cross-Origin-Embedder-Policy", "")
        if policy in BLOCKING_POLICIES:
            self.fail(f"Cross-Origin-Embedder-Policy: {policy} blocks ChatKit's frame.", "Do not send it.")
        if servers[person.server].dictation is not None:
            self.check_microphone(reply.response.headers.get("Permissions-Policy", ""))
        return True

    def check_microphone(self, policy: str) -> None:
        """A page's policy speaks for the frames in it too."""
        allowed = re.search(r"\bmicrophone\s*=\s*(\*|\([^)]*\)|[^\s,]+)", policy)
        origin = origin_of(conf.CHATKIT_SCRIPT_URL).strip("'")
        if allowed is not None and allowed[1] != "*" and origin not in allowed[1]:
            hint = f'Write microphone=(self "{origin}") on pages with the chat.'
            self.warn(f"Permissions-Policy: {allowed[0]} keeps ChatKit's frame from listening.", hint)

    async def send_message(self, person: Person) -> None:
        started = now()
        response = await person.post({"type": "threads.create", "params": {"input": user_input(MESSAGE)}})
        if not response.streaming:
            return self.refused("To a message it", Reply(response, response.content))
        pieces, times = [], []
        async for piece in response:
            pieces.append(piece)
            times.append(now() - started)
        await self.judge(Reply(response, b"".join(pieces)), times)

    async def judge(self, reply: Reply, times: list[float]) -> None:
        """Did an answer arrive, and did it arrive while it was being written?"""
        try:
            await Thread.objects.filter(thread_id=reply.thread_id).adelete()
        except AssertionError:
            return self.fail("The answer is no stream of ChatKit's events.", "Does a middleware change it?")
        if reply.errors:
            text = reply.errors[-1].message or "no reason given"
            return self.fail(f"The answer ends with an error: {text}", "The log says more.")
        if len(reply.items) < 2:
            return self.fail("The answer is empty.", "Let respond() yield a thread.item.done event.")
        if len(times) == 1 and times[0] > 1:
            return self.fail("The answer came in one piece.", "Does a middleware collect it?")
        timing = f"the first after {times[0]:.2f} s, the last after {times[-1]:.2f} s"
        pieces = "1 piece" if len(times) == 1 else f"{len(times)} pieces"
        return self.ok(f"A message was answered in {pieces}, {timing}. Its thread is deleted.")

    def refused(self, who: str, reply: Reply) -> None:
        """A page of HTML in its place says nothing to the person, and nothing here."""
        try:
            said = reply.json["message"]
        except (ValueError, TypeError, KeyError):
            said = "no JSON, so something before the view answers."
        self.fail(f"{who} answers {reply.status}: {said}", ADVICE.get(reply.status, "The log says more."))

    def report_all(self, messages: list[CheckMessage]) -> None:
        for message in messages:
            report = self.fail if message.level >= ERROR else self.warn
            report(f"{message.msg} ({message.id})", message.hint or "")
        if not messages:
            self.ok("The system checks find nothing.")

    def ok(self, text: str) -> None:
        self.stdout.write(f"{self.style.SUCCESS('ok  ')}  {text}")

    def skip(self, text: str) -> None:
        self.stdout.write(f"skip  {text}")

    def warn(self, text: str, hint: str) -> None:
        self.stdout.write(f"{self.style.WARNING('warn')}  {text}\n      {hint}")

    def fail(self, text: str, hint: str) -> None:
        self.failures += 1
        self.stdout.write(f"{self.style.ERROR('FAIL')}  {text}\n      {hint}")


def server_name(server: Any) -> str:
    return f"{type(server).__module__}.{type(server).__qualname__}"


class Person(ChatKitClient):
    """Somebody who asks. Signs in without the signals of a real login, and leaves nothing behind."""

    def __init__(self, alias: str, someone: Any) -> None:
        client = AsyncClient(enforce_csrf_checks=True, raise_request_exception=False)
        super().__init__(server=alias, client=client)
        self.someone = someone
        self.name = "a visitor" if someone is None else someone.get_username()
        self.headers["Origin"] = f"{'https' if settings.SECURE_SSL_REDIRECT else 'http'}://testserver"

    async def open_page(self) -> None:
        if self.someone is not None:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = await sync_to_async(sign_in)(self.someone)
        await super().open_page()

    def tidy_up(self) -> None:
        if cookie := self.client.cookies.get(settings.SESSION_COOKIE_NAME):
            session_store(cookie.value).delete()


def find_user(username: str | None) -> Any:
    """The user of this name; None for a visitor. Raises CommandError."""
    if username is None:
        return None
    User = get_user_model()
    try:
        return User._default_manager.get(**{User.USERNAME_FIELD: username})
    except User.DoesNotExist:
        raise CommandError(f"There is no user {username!r}.") from None


def session_store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def sign_in(user: Any) -> str:
    """The cookie of a new session for this user."""
    session = session_store()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
