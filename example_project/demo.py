"""Serves the example: ``make demo``, or ``python demo.py`` where django_chatkit[demo] is installed.

PORT=8000     the port on localhost
DEBUG=0       as a deployment would: no debug pages, collected static files
DATA=/folder  where the database and the collected files live, if not here
STANDIN=1     the stand-in for ChatKit's element; 0 insists on OpenAI's CDN; unset, the CDN is probed
"""

import os
import socket
import sys
import urllib.request
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

HERE = Path(__file__).resolve().parent
PORT = os.environ.get("PORT") or "8000"
PROBE_SECONDS = 3

WELCOME = """
  The shop opens in a few seconds: http://localhost:{port}/

    /support/   a chat in the page, for customers     sign in as demo or demo2
    /shop/      a floating chat, for everyone
    /two/       two assistants on one page
    /admin/     the conversations, for staff          sign in as admin

  The password is the name. Ctrl-C closes the shop.

  Answers:  {answers}
  ChatKit:  {chatkit}
  Mode:     {mode}
"""


def main() -> None:
    os.chdir(HERE)
    if problem := find_problem():
        sys.exit(problem)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    django.setup()
    why = ""
    if os.environ.get("STANDIN") not in ("0", "1"):
        why = "" if can_reach(script_url()) else f" (no answer from {script_url()})"
        os.environ["STANDIN"] = "1" if why else "0"
    prepare()
    print(welcome(why), flush=True)
    serve()


def find_problem() -> str:
    """What is wrong with the way in which this was called, or nothing."""
    for name in ("DEBUG", "STANDIN"):
        if os.environ.get(name, "") not in ("", "0", "1"):
            return f"{name} must be 0 or 1: make demo {name}=0"
    if not PORT.isdecimal() or not 0 < int(PORT) < 65536:
        return f"PORT must be a number below 65536: make demo PORT=8001, not {PORT}"
    if is_taken(int(PORT)):
        return f"Port {PORT} is taken. Choose another one: make demo PORT={int(PORT) % 65535 + 1}"
    return ""


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def script_url() -> str:
    from django_chatkit.conf import conf

    return conf.CHATKIT_SCRIPT_URL


def can_reach(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS):  # noqa: S310
            return True
    except (OSError, ValueError):
        return False


def prepare() -> None:
    """A database with its tables, the people and the orders; each step changes nothing the second time."""
    call_command("migrate", verbosity=0)
    call_command("demo_data", verbosity=0)
    if not settings.DEBUG:
        call_command("collectstatic", interactive=False, verbosity=0)


def welcome(why: str) -> str:
    return WELCOME.format(
        port=PORT,
        answers=settings.OPENAI_MODEL or "a scripted model, offline; set OPENAI_API_KEY for a real one",
        chatkit=f"the stand-in{why}; STANDIN=0 insists on the CDN"
        if os.environ["STANDIN"] == "1"
        else "OpenAI's CDN; STANDIN=1 serves the stand-in instead",
        mode="development; DEBUG=0 serves as a deployment would" if settings.DEBUG else "as in a deployment",
    )


def serve() -> None:
    """Becomes the server, so that Ctrl-C and signals reach it and nothing else."""
    if settings.DEBUG:
        command = ["manage.py", "runserver", f"127.0.0.1:{PORT}"]
    else:
        command = ["-m", "daphne", "-b", "127.0.0.1", "-p", PORT, "mysite.asgi:application"]
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606


if __name__ == "__main__":
    main()
