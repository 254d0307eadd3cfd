"""The documentation tells the truth: names are compared both ways, and the quickstart is carried out."""

import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import unittest
from pathlib import Path

import pytest
from agents import Agent
from django.core.management.base import CommandParser
from django.db.models import Field

import django_chatkit
from django_chatkit import checks, conf, models, signals
from django_chatkit.agents import AgentServer
from django_chatkit.commands import Command
from django_chatkit.entities import ModelEntity
from django_chatkit.management.commands import chatkit_doctor, chatkit_prune
from django_chatkit.offers import find_offers
from django_chatkit.server import DjangoChatKitServer, TextServer
from django_chatkit.server.declaration import Declaration
from django_chatkit.testing import ChatKitClient, Reply, override_model, override_servers
from django_chatkit.testing.model import ScriptedModel
from django_chatkit.widgets import render_widget

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DJANGO_TEMPLATES = "django.template.backends.django.DjangoTemplates"
PAGES = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
PAGES = [page for page in PAGES if "_build" not in page.parts]

INTERNAL = {
    DjangoChatKitServer: {"process", "handle_stream_cancelled"},
    TextServer: {"respond", "pieces"},
    AgentServer: {
        *("get_title", "get_error_message", "respond"),  # documented with the class they come from
        *("run_agent", "follow", "start_run", "prepare", "with_choices", "load_history"),
    },
}
"""Public names of server classes that nobody is meant to override or set."""


def page(name: str) -> str:
    return (DOCS / name).read_text()


def headings(text: str, level: int) -> list[str]:
    """The names in headings of a level, without backticks and arguments."""
    found = re.findall(rf"^{'#' * level} `([^`(]+)[^`]*`$", text, re.MULTILINE)
    assert len(found) == len(set(found)), "twice"
    return found


def section(text: str, title: str) -> str:
    """What stands below a heading of the second level."""
    return text.split(f"## `{title}`\n", 1)[1].split("\n## ", 1)[0]


# Names


def settings_in_code() -> dict[str, object]:
    return {name: value for name, value in vars(conf.Settings).items() if isinstance(value, property)}


def test_settings():
    assert headings(page("reference/settings.md"), 2) == list(settings_in_code())


@pytest.mark.parametrize("name", settings_in_code())
def test_defaults_of_settings(settings, name):
    if hasattr(settings, name):
        delattr(settings, name)
    default = getattr(conf.conf, name)
    written = repr(default).replace("'", '"')
    assert f"Default: `{written}`" in section(page("reference/settings.md"), name)


def test_checks():
    source = "".join(file.read_text() for file in Path(checks.__file__).parent.glob("*.py"))
    assert headings(page("reference/checks.md"), 3) == sorted(
        set(re.findall(r'"(chatkit\.[EW]\d+)"', source))
    )


@pytest.mark.parametrize("server_class", INTERNAL)
def test_server_classes(server_class):
    classes = [Declaration, server_class] if server_class is DjangoChatKitServer else [server_class]
    members = {name: member for each in classes for name, member in vars(each).items()}
    annotated = [name for each in classes for name in inspect.get_annotations(each)]
    attributes = [name for name in annotated if name in members]
    methods = [
        name
        for name, member in members.items()
        if inspect.isfunction(member) and not name.startswith("_") and name not in INTERNAL[server_class]
    ]
    text = section(page("reference/servers.md"), server_class.__name__)
    assert headings(text, 3) == attributes + methods


def test_entities():
    names = [
        name
        for name, member in vars(ModelEntity).items()
        if name.startswith("get_") and not isinstance(member, classmethod)
    ]
    written = re.findall(r"^`(\w+)[^`]*`", section(page("reference/servers.md"), "ModelEntity"), re.MULTILINE)
    assert written == [*inspect.get_annotations(ModelEntity), *names, "mention"]


def test_commands_of_the_menu():
    text = section(page("reference/servers.md"), "Command")
    fields = [field.name for field in dataclasses.fields(Command)]
    assert re.findall(r"`(\w+)`", text.partition("arguments:")[2]) == fields


def test_defaults_of_server_classes():
    text = page("reference/servers.md")
    for name, number in [("timeout", "300.0"), ("max_message_length", "50000"), ("history_limit", "50")]:
        owner = DjangoChatKitServer if hasattr(DjangoChatKitServer, name) else AgentServer
        assert str(getattr(owner, name)) == number
        assert f"default `{number}`" in text


MODELS = [models.Thread, models.ThreadItem, models.Feedback, models.Attachment, models.Confirmation]


@pytest.mark.parametrize("model", MODELS)
def test_fields_of_models(model):
    rows = re.findall(r"^\| `(\w+)` \|", section(page("reference/models.md"), model.__name__), re.MULTILINE)
    fields = [field.name for field in model._meta.get_fields() if isinstance(field, Field)]
    assert rows == [name for name in fields if name != "id"]


def test_signals():
    sent = [name for name, value in vars(signals).items() if isinstance(value, signals.Signal)]
    assert headings(page("reference/signals.md"), 2) == sent


def test_commands():
    folder = ROOT / "django_chatkit" / "management" / "commands"
    names = sorted(file.stem for file in folder.glob("chatkit_*.py"))
    assert sorted(headings(page("reference/commands.md"), 2)) == names


@pytest.mark.parametrize("command", [chatkit_doctor, chatkit_prune])
def test_options_of_commands(command):
    parser = CommandParser()
    command.Command().add_arguments(parser)
    text = section(page("reference/commands.md"), command.__name__.rpartition(".")[2])
    options = {name for action in parser._actions for name in action.option_strings} - {"-h", "--help"}
    assert set(re.findall(r"^`(--[\w-]+)", text, re.MULTILINE)) == options


def members(class_: type) -> list[str]:
    return [name for name in vars(class_) if not name.startswith("_")]


@pytest.mark.parametrize("class_", [ChatKitClient, Reply])
def test_members_of_the_testing_kit(class_):
    rows = re.findall(r"^\| (`.+?) \|", section(page("reference/testing.md"), class_.__name__), re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(\w+)", row)]
    assert sorted(names) == sorted([*members(class_), *ATTRIBUTES[class_]])


ATTRIBUTES = {ChatKitClient: [], Reply: ["status", "body", "response"]}
FILES = ("views/*.py", "permissions/*.py", "uploads.py", "dictation.py", "exceptions.py")


def test_http_answers():
    refused = re.compile(r'Refused\(\s*(\d{3}),\s*f?"([a-z_{.}]+)"')
    source = "".join(file.read_text() for name in FILES for file in (ROOT / "django_chatkit").glob(name))
    in_code = set(refused.findall(source)) - {("409", "thread_{thread.status}")}
    in_code |= {("409", "thread_locked"), ("409", "thread_closed")}
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page("reference/http.md"), re.MULTILINE)
    assert set(rows) == in_code


def test_the_tests_of_the_security_page_exist():
    """Each row of its tables names some, so that what it says can be looked up, and stays so."""
    files = [file.read_text() for file in Path(__file__).parent.rglob("test_*.py")]
    written = set(re.findall(r"def (test_\w+)", "".join(files)))
    rows = re.findall(r"^\| .*", page("explanation/security.md"), re.MULTILINE)
    rows = [row for row in rows if "attack or mistake" not in row]
    assert len(rows) > 40
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= written, row


def test_layers():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    written = page("explanation/architecture.md").split("```text\n")[1].split("```")[0]
    assert [line.split() for line in written.splitlines()] == [re.findall(r"\w+", layer) for layer in layers]


# Links and words


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", file.read_text()):
        assert (file.parent / target).exists(), target


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_python_in_the_documentation_compiles(file):
    for block in re.findall(r"```python\n(.*?)```", file.read_text(), re.DOTALL):
        compile(block, str(file), "exec")


# The steps, carried out


def blocks(text: str) -> list[tuple[str, str]]:
    """The files of a page, in order: a block's first line names its file in a comment."""
    fenced = re.findall(r"```(?:python|html|toml)\n(.*?)```", text, re.DOTALL)
    named = [re.match(r"(?:# |<!-- )([\w./]+)(?: -->)?\n", block) for block in fenced]
    return [(match[1], block) for match, block in zip(named, fenced, strict=True) if match]


COMMANDS = {
    "createsuperuser": ["--noinput", "--username", "ann", "--email", "ann@example.com"],
    "chatkit_doctor": ["--user", "ann", "--stream"],
}
"""What the commands of the quickstart need where nobody answers their questions."""


class Project:
    """A new project in a folder, as the quickstart's reader has one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("-m", "django", "startproject", "mysite", ".")

    def run(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
        environment |= {"PYTHONPATH": str(ROOT), "DJANGO_SUPERUSER_PASSWORD": "secret"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def write(self, name: str, block: str) -> None:
        """Settings are added to, other files are written."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        before = file.read_text() if name.endswith("settings.py") else ""
        file.write_text(before + "\n" + block)

    def follow(self, text: str) -> None:
        """A page's files and commands, in the order in which a reader comes to them."""
        for block in re.findall(r"```\w+\n.*?```", text, re.DOTALL):
            for name, content in blocks(block):
                self.write(name, content)
            for command in re.findall(r"^\$ python manage.py (?!runserver)(\w+)$", block, re.MULTILINE):
                assert "FAIL" not in self.manage(command, *COMMANDS.get(command, []))

    def visit(self) -> tuple[str, str, str]:
        """The root as a visitor sees it, as the first user does, and what answers to "one two"."""
        visitor, user, answer = json.loads(self.manage("shell", "-c", VISIT).splitlines()[-1])
        return visitor, user, answer


VISIT = """
import json
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django_chatkit.testing import ChatKitClient
settings.ALLOWED_HOSTS = ["testserver"]
user, client = get_user_model().objects.get(), Client()
visitor = client.get("/").content.decode()
client.force_login(user)
answer = async_to_sync(ChatKitClient(user=user).send)("one two").text
print()
print(json.dumps([visitor, client.get("/").content.decode(), answer]))
"""


def test_quickstart(tmp_path):
    project = Project(tmp_path)
    steps, own = page("quickstart.md").split("## Your own assistant")
    project.follow(steps)
    visitor, user, answer = project.visit()
    assert "/admin/login/" in visitor
    assert "<openai-chatkit" not in visitor
    assert "<openai-chatkit" in user
    assert answer

    project.follow(own)
    assert "no issues" in project.manage("check", "--fail-level", "WARNING")
    said = project.manage("chatkit_doctor", "--user", "ann")
    assert "Server 'default' is mysite.chat.EchoServer." in said
    assert "/chatkit/support/ answers ann." in said
    assert project.visit()[2].strip() == "one two"


def test_migrate_comes_after_the_address():
    """Django's checks stop ``migrate`` as long as the app has no address."""
    for text in (page("quickstart.md"), (ROOT / "README.md").read_text(), django_chatkit.__doc__):
        assert text.index('include("django_chatkit.urls")') < re.search(r"\bmigrate\b", text).start()


@pytest.mark.django_db
def test_the_example_of_a_test_passes():
    [block] = re.findall(r"```python\n(.*?)```", page("reference/testing.md"), re.DOTALL)
    names: dict = {}
    exec(block, names)
    result = unittest.TestResult()
    unittest.TestSuite([names["SupportTests"]("test_it_answers")]).run(result)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


def test_the_how_to_about_tests(tmp_path):
    """Its files, in the quickstart's project: with pytest, and with Django's own command."""
    project = Project(tmp_path)
    steps = page("quickstart.md").split("## Your own assistant")[0]
    for name, block in [*blocks(steps), *blocks(page("howto/test-my-assistant.md"))]:
        project.write(name, block)
    write_unnamed_examples(tmp_path)
    strict = ("-W", "error", "-W", "ignore:Direct usage of named widget classes:DeprecationWarning")
    said = project.run("-m", "pytest", "-q", *strict, "-p", "no:cacheprovider")
    assert "17 passed" in said
    assert "Found 2 test(s)" in project.manage("test")


def test_the_widget_of_the_how_to_has_its_button(tmp_path, settings):
    text = page("howto/buttons-and-forms.md")
    [file] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / "order.widget").write_text(file)
    settings.TEMPLATES = [{"BACKEND": DJANGO_TEMPLATES, "DIRS": [tmp_path]}]
    facts = {"number": 1003, "status": 'almost "packed"', "can_cancel": True}
    widget = render_widget("order.widget", facts).model_dump(exclude_none=True)
    [offer] = find_offers(widget)
    assert (offer.type, offer.payload) == ("order.cancel", {"number": 1003})
    assert f'@on_action("{offer.type}")' in text
    shut = render_widget("order.widget", {**facts, "can_cancel": False}).model_dump(exclude_none=True)
    assert list(find_offers(shut)) == []


@pytest.mark.django_db
async def test_a_converter_of_ones_own_reads_the_ids_of_page_code(django_user_model):
    [block] = [b for b in python_blocks("howto/own-assistant.md") if "HelpConverter" in b]
    names: dict = {}
    exec(block, names)
    user = await django_user_model.objects.acreate(username="ann")
    names["SupportServer"].agent = Agent(name="Support")
    with (
        override_servers(default=names["SupportServer"]),
        override_model(ScriptedModel("Yes.", "No.")) as model,
    ):
        chat = ChatKitClient(user=user)
        await chat.send("", content=[tag("help:returns")])
        await chat.send("", content=[tag("help:unknown")])
    assert "within 30 days" in model.requests[0].text
    assert "not verified" in model.requests[1].text


def tag(tag_id: str) -> dict:
    return {"type": "input_tag", "id": tag_id, "text": "Help", "data": {}, "interactive": False}


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)


def write_unnamed_examples(folder: Path) -> None:
    """What the page shows without a file's name are tests too."""
    found = re.findall(r"```python\n(?!# )(.*?)```", page("howto/test-my-assistant.md"), re.DOTALL)
    tests = [block for block in found if "async def test_" in block]
    assert len(tests) == 7
    for number, block in enumerate(tests):
        (folder / "tests" / f"test_more_{number}.py").write_text(block)
