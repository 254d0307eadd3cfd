"""Every check: what it says, word for word, and when it stays silent."""

import ast
import os
import re
import socket
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIProvider, RunConfig
from csp.constants import NONCE
from django.core.checks import Error, Warning, run_checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path

from django_chatkit import checks
from django_chatkit.actions import MARK, on_action
from django_chatkit.agents import AgentServer, OpenAITranscriber, tool
from django_chatkit.checks import deployment, sdk, servers
from django_chatkit.conf import conf
from django_chatkit.csp import CHATKIT_CSP
from django_chatkit.dictation import Dictation
from django_chatkit.feedback import FeedbackQuestion
from django_chatkit.server import DjangoChatKitServer, TextServer
from tests.servers import PublicServer

ROOT = Path(__file__).parent.parent
CDN = "https://cdn.platform.openai.com"
DEFAULT = "Remove the setting to use its default."
SERVER_EXAMPLE = 'Write the dotted path of a class, such as "shop.chat.SupportServer".'
OPTIONS_HINT = "The documentation lists every option, with the type that ChatKit wants."
ENGINES = ("postgresql", "sqlite3")
NAN = float("nan")
READY = {"CHATKIT_DOMAIN_KEY": "domain_pk_1", "ASGI_APPLICATION": "mysite.asgi.application"}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Agents could answer."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def found(*, deploy: bool = False) -> list:
    return run_checks(tags=["chatkit"], include_deployment_checks=deploy)


def ids(messages: list) -> list[str]:
    return [message.id for message in messages]


@pytest.fixture
def deployed(settings):
    """A project that is ready for the internet."""
    for name, value in READY.items():
        setattr(settings, name, value)
    return settings


def test_a_good_project_gets_no_message(settings):
    assert found() == []


def test_a_project_that_is_ready_gets_no_message(deployed):
    assert found(deploy=True) == []


def test_silenced_checks(settings):
    settings.CHATKIT_OPTION = {}
    assert not found()[0].is_silenced()
    settings.SILENCED_SYSTEM_CHECKS = ["chatkit.E001"]
    assert found()[0].is_silenced()


def test_the_table_of_numbers_is_complete():
    source = "".join(file.read_text() for file in Path(checks.__file__).parent.glob("*.py"))
    used = set(re.findall(r'"chatkit\.([EW]\d{3})"', source))
    assert set(re.findall(r"\b[EW]\d{3}\b", checks.__doc__)) == used


# Settings


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CHATKIT_SERVER", "Did you mean CHATKIT_SERVERS?"),
        ("CHATKIT_OPTION", "Did you mean CHATKIT_OPTIONS?"),
        ("CHATKIT_DOMAINKEY", "Did you mean CHATKIT_DOMAIN_KEY?"),
    ],
)
def test_unknown_setting(settings, name, hint):
    setattr(settings, name, {})
    message = f"{name} is not a setting of django_chatkit."
    assert found() == [Error(message, hint=hint, id="chatkit.E001")]


def test_what_a_settings_module_imports_from_us_is_no_setting(settings):
    settings.CHATKIT_CSP = CHATKIT_CSP
    assert found() == []


def test_unknown_setting_like_no_other(settings):
    settings.CHATKIT_XYZ_QRS_UVW = 1
    [message] = found()
    assert message.hint.startswith("Known are: CHATKIT_DOMAIN_KEY, ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CHATKIT_SERVERS", ["shop.chat"], "CHATKIT_SERVERS must be of type dict[str, str], not list."),
        (
            "CHATKIT_SERVERS",
            {"default": TextServer},
            "CHATKIT_SERVERS must be of type dict[str, str], not dict.",
        ),
        ("CHATKIT_OPTIONS", None, "CHATKIT_OPTIONS must be of type dict[str, Any], not NoneType."),
        ("CHATKIT_DOMAIN_KEY", None, "CHATKIT_DOMAIN_KEY must be of type str, not NoneType."),
        ("CHATKIT_SCRIPT_URL", Path("x"), "CHATKIT_SCRIPT_URL must be of type str, not PosixPath."),
        ("CHATKIT_MAX_BODY_SIZE", "1 MB", "CHATKIT_MAX_BODY_SIZE must be of type int, not str."),
        ("CHATKIT_MAX_BODY_SIZE", True, "CHATKIT_MAX_BODY_SIZE must be of type int, not bool."),
        ("CHATKIT_HEARTBEAT_SECONDS", "15", "CHATKIT_HEARTBEAT_SECONDS must be of type float, not str."),
    ],
)
def test_mistyped_setting(settings, name, value, message):
    setattr(settings, name, value)
    meaning = getattr(type(conf), name).__doc__
    assert found() == [Error(message, hint=f"{meaning} {DEFAULT}", id="chatkit.E002")]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CHATKIT_MAX_BODY_SIZE", 0, "CHATKIT_MAX_BODY_SIZE must be greater than 0, not 0."),
        ("CHATKIT_HEARTBEAT_SECONDS", -1.5, "CHATKIT_HEARTBEAT_SECONDS must be greater than 0, not -1.5."),
        (
            "CHATKIT_HEARTBEAT_SECONDS",
            NAN,
            "CHATKIT_HEARTBEAT_SECONDS must be greater than 0, not nan.",
        ),
        ("CHATKIT_DOMAIN_KEY", "", "CHATKIT_DOMAIN_KEY must not be empty."),
    ],
)
def test_setting_out_of_range(settings, name, value, message):
    setattr(settings, name, value)
    assert found() == [Error(message, hint=DEFAULT, id="chatkit.E003")]


@pytest.mark.parametrize("seconds", [1, 0.5])
def test_a_whole_number_is_a_number(settings, seconds):
    settings.CHATKIT_HEARTBEAT_SECONDS = seconds
    assert found() == []


def test_body_limit_that_django_undercuts(settings):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.EchoServer"}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    message = "CHATKIT_MAX_BODY_SIZE is larger than DATA_UPLOAD_MAX_MEMORY_SIZE (1000), which counts."
    hint = "Raise DATA_UPLOAD_MAX_MEMORY_SIZE as well, or lower CHATKIT_MAX_BODY_SIZE."
    assert found() == [Warning(message, hint=hint, id="chatkit.W006")]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert found() == []


@pytest.mark.parametrize(
    ("value", "hint", "fits"),
    [
        (None, str | None, True),
        (1, str | None, False),
        ([], list[str], True),
        ({"a": 1}, dict[str, int], True),
        ({1: 1}, dict[str, int], False),
        ({"a": "b"}, dict[str, int], False),
        (1, float, True),
        (1.5, int, False),
        (True, float, False),
        (True, bool, True),
    ],
)
def test_fits(value, hint, fits):
    assert checks.values.fits(value, hint) is fits


# Servers


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module that Python finds and nobody has imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str, name: str = "some_chat") -> str:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    yield write
    sys.modules.pop("some_chat", None)


def test_alias_that_is_no_slug(settings):
    settings.CHATKIT_SERVERS = {
        "default": "tests.servers.EchoServer",
        "our sales": "tests.servers.SalesServer",
    }
    message = "CHATKIT_SERVERS['our sales']: the alias is a part of the URL and must be a slug."
    hint = "Use up to 64 letters, digits, hyphens and underscores."
    assert found() == [Error(message, hint=hint, id="chatkit.E004")]


def test_no_default_server(settings):
    settings.CHATKIT_SERVERS = {"sales": "tests.servers.SalesServer"}
    hint = 'Add a "default": it answers at the root of the URLs and in {% chatkit_widget %}.'
    assert found() == [Error('CHATKIT_SERVERS has no "default".', hint=hint, id="chatkit.E005")]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("shopp.chat.Server", "there is no module 'shopp.chat'.", SERVER_EXAMPLE),
        ("Server", "there is no module ''.", SERVER_EXAMPLE),
        ("tests.nowhere.Server", "there is no module 'tests.nowhere'.", SERVER_EXAMPLE),
        ("some_chat.Suport", "the module 'some_chat' has no 'Suport'.", "Did you mean Support?"),
        ("some_chat.Nothing", "the module 'some_chat' has no 'Nothing'.", "Known are: Support, other."),
    ],
)
def test_server_that_is_not_there(settings, module, path, message, hint):
    module("import nowhere as other\nclass Support: pass")
    settings.CHATKIT_SERVERS = {"default": path}
    assert found() == [Error(f"CHATKIT_SERVERS['default']: {message}", hint=hint, id="chatkit.E006")]
    assert "some_chat" not in sys.modules


def test_server_module_that_is_no_python(settings, module):
    module("class Support(")
    settings.CHATKIT_SERVERS = {"default": "some_chat.Support"}
    [message] = found(deploy=True)[:1]
    assert message.msg.startswith("CHATKIT_SERVERS['default']: 'some_chat' fails: '(' was never closed")
    assert (message.hint, message.id) == ("Repair that module.", "chatkit.E006")


@pytest.mark.parametrize(
    "source",
    [
        "from nowhere import *",
        "def __getattr__(name): ...",
        "from nowhere import Support",
        "Support = make()",
        "try:\n    from nowhere import Support\nexcept ImportError:\n    Support = None",
    ],
)
def test_server_that_may_be_there(settings, module, source):
    module(source)
    settings.CHATKIT_SERVERS = {"default": "some_chat.Support"}
    assert found() == []
    assert "some_chat" not in sys.modules


def test_compiled_module_cannot_be_read(settings):
    settings.CHATKIT_SERVERS = {"default": "math.Support"}
    assert servers.read_server("default", "_struct.Support") is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_at_all\nclass Support: pass", "cannot import 'some_chat.Support': No module named"),
        ("class Support: pass", "'some_chat.Support' is not a subclass of DjangoChatKitServer"),
        (
            "1 / 0\nclass Support: pass",
            "importing 'some_chat.Support' fails: ZeroDivisionError: division by zero.",
        ),
    ],
)
def test_only_the_deployment_check_imports(deployed, module, source, message):
    module(source)
    deployed.CHATKIT_SERVERS = {"default": "some_chat.Support"}
    assert found() == []
    assert "some_chat" not in sys.modules
    [problem] = found(deploy=True)
    assert problem.msg.startswith(f"CHATKIT_SERVERS['default']: {message}")
    assert problem.id == "chatkit.E007"


def test_module_that_is_loaded_is_examined_once(deployed):
    deployed.CHATKIT_SERVERS = {"default": "tests.test_checks.NoReply"}
    assert ids(found()) == ids(found(deploy=True)) == ["chatkit.E007"]


class NoRespond(DjangoChatKitServer):
    """Forgot to answer."""


class NoReply(TextServer):
    """Forgot to answer."""


class NoAgent(AgentServer):
    """Forgot its agent."""


class Answering(TextServer):
    def reply(self, message, context):
        return message


class WrongAgent(AgentServer):
    agent = "Support"
    max_turns = 0


class WrongAttributes(Answering):
    allow_anonymous = "yes"
    timeout = -1
    max_message_length = 1.5
    options = {"startScreen": {"greting": "Hello"}}


class WrongOptions(Answering):
    options = ["startScreen"]


class Open(Answering):
    allow_anonymous = True


def examine(settings, name: str) -> list:
    settings.CHATKIT_SERVERS = {"default": f"tests.test_checks.{name}"}
    return found()


@pytest.mark.parametrize(
    ("name", "missing"),
    [("NoRespond", "respond"), ("NoReply", "reply"), ("NoAgent", "agent and no get_agent")],
)
def test_server_without_an_answer(settings, name, missing):
    message = f"tests.test_checks.{name} does not say how to answer: it has no {missing}."
    hint = "Write it, or inherit from another server class."
    assert examine(settings, name) == [Error(message, hint=hint, id="chatkit.E007")]


def test_wrong_class_attributes(settings):
    messages = [
        message.msg for message in examine(settings, "WrongAttributes") if message.id == "chatkit.E008"
    ]
    assert messages == [
        "tests.test_checks.WrongAttributes.allow_anonymous must be of type bool, not str.",
        "tests.test_checks.WrongAttributes.timeout must be greater than 0, not -1.",
        "tests.test_checks.WrongAttributes.max_message_length must be of type int, not float.",
    ]


def test_wrong_attributes_of_an_agent_server(settings):
    assert [problem.msg for problem in examine(settings, "WrongAgent")] == [
        "tests.test_checks.WrongAgent.agent must be of type agents.agent.Agent[Any] | None, not str.",
        "tests.test_checks.WrongAgent.max_turns must be greater than 0, not 0.",
    ]


def test_wrong_type_of_class_options(settings):
    message = "tests.test_checks.WrongOptions.options must be of type dict[str, Any], not list."
    assert examine(settings, "WrongOptions") == [
        Error(message, hint="Change the class attribute.", id="chatkit.E008")
    ]


def test_wrong_class_options(settings):
    [message] = [message for message in examine(settings, "WrongAttributes") if message.id == "chatkit.E009"]
    assert message.msg.startswith("tests.test_checks.WrongAttributes.options: startScreen.greting")
    assert message.hint == OPTIONS_HINT


def test_visitors_need_sessions(settings):
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "Session" not in path]
    message = "tests.test_checks.Open.allow_anonymous needs sessions: they tell one visitor from another."
    hint = "Add 'django.contrib.sessions.middleware.SessionMiddleware' to MIDDLEWARE."
    problems = examine(settings, "Open")
    assert Error(message, hint=hint, id="chatkit.E012") in problems
    assert sorted(ids(problems)) == ["chatkit.E012", "chatkit.W002"]


def test_wrong_site_options(settings):
    settings.CHATKIT_OPTIONS = {"start_screen": {}}
    [message] = found()
    assert message.msg.startswith("CHATKIT_OPTIONS: start_screen")
    assert "startScreen" in message.msg
    assert (message.hint, message.id) == (OPTIONS_HINT, "chatkit.E009")


# The project around it


def urlconf(*patterns) -> type:
    return type("urlconf", (), {"urlpatterns": list(patterns)})


OURS = path("chatkit/", include("django_chatkit.urls"))
URLS_HINT = 'Add path("chatkit/", include("django_chatkit.urls")) to the project\'s own urlpatterns.'


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([], "The URLs of django_chatkit are not included."),
        (
            [path("<slug:customer>/", include([OURS]))],
            "The URLs of django_chatkit stand behind a prefix with arguments, so nobody can reverse them.",
        ),
    ],
)
def test_urls_that_cannot_be_reversed(settings, patterns, message):
    settings.ROOT_URLCONF = urlconf(*patterns)
    assert found() == [Error(message, hint=URLS_HINT, id="chatkit.E010")]


def test_urls_that_only_some_pages_find(settings):
    settings.ROOT_URLCONF = urlconf(path("shop/", include(([OURS], "shop"), namespace="eu")))
    message = "Only pages in the same namespace find the URLs of django_chatkit: 'eu:django_chatkit'."
    assert found() == [Warning(message, hint=URLS_HINT, id="chatkit.W011")]


def test_urls_in_an_instance_namespace(settings):
    settings.ROOT_URLCONF = urlconf(path("chat/", include("django_chatkit.urls", namespace="chat")))
    assert found() == []


def test_no_urls_at_all(settings):
    settings.ROOT_URLCONF = None
    assert found() == []


@pytest.mark.parametrize(
    ("path", "kind", "number", "why"),
    [
        (
            "django.middleware.csrf.CsrfViewMiddleware",
            Error,
            "chatkit.E011",
            "without it the page gets no CSRF cookie, and every message is refused.",
        ),
        (
            "django.contrib.sessions.middleware.SessionMiddleware",
            Warning,
            "chatkit.W002",
            "without it nobody is signed in, and visitors cannot be told apart.",
        ),
        (
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            Warning,
            "chatkit.W003",
            "without it nobody is signed in, so only servers with allow_anonymous can be used.",
        ),
    ],
)
def test_missing_middleware(settings, path, kind, number, why):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.EchoServer"}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != path]
    assert found() == [kind(f"{path!r} is not in MIDDLEWARE: {why}", hint="Add it to MIDDLEWARE.", id=number)]


def test_a_subclass_of_a_middleware_counts(settings):
    settings.MIDDLEWARE = [
        name.replace("django.middleware.csrf.CsrfViewMiddleware", "django_chatkit.views.CSRFCheck")
        for name in settings.MIDDLEWARE
    ]
    settings.MIDDLEWARE += ["shop.nowhere.Middleware", "tests.test_checks.found"]
    assert found() == []


def test_auth_is_not_installed(settings):
    settings.INSTALLED_APPS = ["django_chatkit", "django.contrib.contenttypes"]
    message = "Threads belong to users, but 'django.contrib.auth' is not installed."
    hint = "Add 'django.contrib.auth' and 'django.contrib.contenttypes' to INSTALLED_APPS."
    assert checks.project.check_auth() == [Error(message, hint=hint, id="chatkit.E013")]


def test_request_is_not_in_the_context(settings):
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    message = "{% chatkit_widget %} needs the request, which no template engine puts into the context."
    hint = "Add 'django.template.context_processors.request' to the context_processors of TEMPLATES."
    assert found() == [Warning(message, hint=hint, id="chatkit.W004")]
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.jinja2.Jinja2"}]
    assert found() == []


# The SDK


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """A process of its own, with the tests' settings."""
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
    )


def test_another_module_called_chatkit_stops_every_command(tmp_path):
    (tmp_path / "chatkit").mkdir()
    (tmp_path / "chatkit" / "__init__.py").write_text("")
    done = run_python("import django; django.setup()", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.stderr.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: The module 'chatkit' is not OpenAI's SDK. Look for a "
        "file or folder of that name; then `pip install --force-reinstall openai-chatkit`. (chatkit.E014)"
    )


def test_a_file_called_chatkit(monkeypatch, tmp_path):
    (tmp_path / "chatkit.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "chatkit")
    with pytest.raises(ImproperlyConfigured, match="is not OpenAI's SDK"):
        sdk.require_sdk()


def test_the_other_django_chatkit_is_installed(monkeypatch):
    monkeypatch.setattr(sdk, "installed_version", {"django-chatkit": "0.1.1", "openai-chatkit": "1.6.5"}.get)
    message = "The distribution 'django-chatkit' is installed; its module 'chatkit' overwrites OpenAI's SDK."
    hint = "`pip uninstall django-chatkit`, then `pip install --force-reinstall openai-chatkit`."
    assert found() == [Error(message, hint=hint, id="chatkit.E015")]


@pytest.mark.parametrize("installed", ["1.6.4", "1.7.0", "2.0a1", "1.7"])
def test_sdk_that_was_not_tested(monkeypatch, installed):
    monkeypatch.setattr(sdk, "installed_version", {"openai-chatkit": installed}.get)
    message = f"openai-chatkit {installed} was not tested with django_chatkit."
    hint = "Install a version from 1.6.5 up to, but not including, 1.7."
    assert found() == [Warning(message, hint=hint, id="chatkit.W005")]


@pytest.mark.parametrize("installed", ["1.6.5", "1.6.99", None])
def test_sdk_that_was_tested(monkeypatch, installed):
    monkeypatch.setattr(sdk, "installed_version", {"openai-chatkit": installed}.get)
    assert found() == []


def test_tested_versions_are_those_of_the_package():
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    first, beyond = sdk.TESTED_SDK
    assert f"openai-chatkit>={first},<{beyond}" in requirements


# Middleware


class ContentMiddleware:
    """As people write it: to log, to measure, to replace something."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Length"] = len(response.content)
        return response


class CarefulMiddleware(ContentMiddleware):
    def __call__(self, request):
        response = self.get_response(request)
        if not response.streaming:
            response["X-Length"] = len(response.content)
        return response


class TypeMiddleware(ContentMiddleware):
    def __call__(self, request):
        response = self.get_response(request)
        response["X-Type"] = response.content_type
        return response


def content_middleware(get_response):
    def middleware(request):
        response = get_response(request)
        return response.content.upper()

    return middleware


@pytest.mark.parametrize("name", ["ContentMiddleware", "content_middleware"])
def test_middleware_that_wants_the_whole_answer(settings, name):
    path = f"tests.test_checks.{name}"
    settings.MIDDLEWARE = [path, *settings.MIDDLEWARE]
    message = f"{path!r} reads the content of responses, which a streamed answer does not have."
    assert found() == [Warning(message, hint=checks.middleware.HINT, id="chatkit.W016")]


@pytest.mark.parametrize(
    "path",
    [
        "tests.test_checks.CarefulMiddleware",
        "tests.test_checks.TypeMiddleware",
        "tests.test_middleware.SyncOnlyMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "builtins.print",
        "not.there",
    ],
)
def test_middleware_that_lets_streams_pass(settings, path):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, path]
    assert found() == []


# Content Security Policy


def csp_message(setting: str, directive: str, source: str) -> Warning:
    message = f"{setting} blocks the chat: {directive} does not allow {source}."
    hint = f"Add {source!r} to {directive!r}. Silence this check if only the chat's pages allow it."
    return Warning(message, hint=hint, id="chatkit.W007")


@pytest.fixture
def csp(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    return settings


def test_policy_that_blocks_everything(csp):
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'none'"]}}
    name = "CONTENT_SECURITY_POLICY"
    assert found() == [
        csp_message(name, "script-src", "'self'"),
        csp_message(name, "style-src", "'self'"),
        csp_message(name, "connect-src", "'self'"),
        csp_message(name, "script-src", CDN),
        csp_message(name, "frame-src", CDN),
    ]


@pytest.mark.parametrize(
    "directives",
    [
        {},
        {"img-src": ["'self'"]},
        {"default-src": ["*"]},
        {"default-src": "https:"},
        {"default-src": ["'self'", CDN]},
        {
            "default-src": ["'self'"],
            "script-src": ["'self'", "cdn.platform.openai.com"],
            "frame-src": (CDN + "/",),
        },
        {
            "default-src": ["'self'"],
            "script-src-elem": ["'self'", "*.openai.com"],
            "child-src": ["https://*.openai.com"],
        },
        {"default-src": ["'self'"], "script-src": ["'strict-dynamic'"], "frame-src": {CDN}},
        {"default-src": ["'self'"], "script-src": [NONCE], "frame-src": [CDN]},
    ],
)
def test_policy_that_lets_the_chat_in(csp, directives):
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives}
    assert found() == []


def test_our_own_sources_are_enough(csp):
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'none'"], **CHATKIT_CSP}}
    assert found() == []


def test_policy_of_django_6(settings):
    settings.SECURE_CSP = {"default-src": ["'self'"]}
    assert found() == []
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    assert found() == [
        csp_message("SECURE_CSP", "script-src", CDN),
        csp_message("SECURE_CSP", "frame-src", CDN),
    ]


def test_policy_of_an_old_django_csp(csp):
    csp.CONTENT_SECURITY_POLICY = None
    csp.CSP_DEFAULT_SRC = ("'self'",)
    csp.CSP_SCRIPT_SRC = (CDN, "'self'")
    assert found() == [csp_message("CSP_*", "frame-src", CDN)]


def test_policy_without_the_place_of_our_own_files(csp):
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'", CDN], "script-src": [CDN]}}
    assert found() == [csp_message("CONTENT_SECURITY_POLICY", "script-src", "'self'")]
    csp.STATIC_URL = "https://static.example/files/"
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'", "https://static.example"]}}
    assert {(message.id, "static.example" in message.msg) for message in found()} == {("chatkit.W007", False)}
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'", CDN]}}
    assert found() == [
        csp_message("CONTENT_SECURITY_POLICY", "script-src", "https://static.example"),
        csp_message("CONTENT_SECURITY_POLICY", "style-src", "https://static.example"),
    ]


def test_policy_with_a_script_of_our_own(csp):
    csp.CHATKIT_SCRIPT_URL = "/static/standin.js"
    csp.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'"]}}
    assert found() == []


# Deployment


def test_no_domain_key(deployed):
    del deployed.CHATKIT_DOMAIN_KEY
    message = "CHATKIT_DOMAIN_KEY is not set: on a public domain the chat disappears after a second or two."
    hint = "Add the domain to OpenAI's domain allowlist, and set CHATKIT_DOMAIN_KEY to its key."
    assert found() == []
    assert found(deploy=True) == [Warning(message, hint=hint, id="chatkit.W008")]
    deployed.CHATKIT_DOMAIN_KEY = "domain_pk_localhost_dev"
    message = message.replace("is not set", "is 'domain_pk_localhost_dev', which is no real key")
    assert found(deploy=True) == [Warning(message, hint=hint, id="chatkit.W008")]


def test_demo_server(deployed):
    deployed.CHATKIT_SERVERS = {"default": "django_chatkit.demo.DemoServer"}
    message = "CHATKIT_SERVERS['default'] is the demo, which only pretends to answer."
    hint = "Write a server class of your own; the quickstart shows how."
    assert Warning(message, hint=hint, id="chatkit.W009") in found(deploy=True)


@pytest.fixture
def own_checks(monkeypatch):
    """An app that a test installs registers its checks for good."""
    monkeypatch.setattr(registry, "registered_checks", set(registry.registered_checks))


def test_no_sign_of_asgi(deployed, own_checks):
    deployed.ASGI_APPLICATION = None
    message = "Nothing says that this site runs under ASGI. Under WSGI every open answer occupies a thread."
    hint = "Serve asgi.py with an ASGI server such as uvicorn, and set ASGI_APPLICATION to say so."
    assert found(deploy=True) == [Warning(message, hint=hint, id="chatkit.W001")]
    deployed.INSTALLED_APPS = ["daphne", *deployed.INSTALLED_APPS]
    assert found(deploy=True) == []


@pytest.fixture
def databases(monkeypatch):
    """One database of each kind; overriding DATABASES itself would upset the tests' own."""

    def use(age, asgi="mysite.asgi.application"):
        entries = {name: {"ENGINE": f"django.db.backends.{name}", "CONN_MAX_AGE": age} for name in ENGINES}
        fake = SimpleNamespace(DATABASES=entries, ASGI_APPLICATION=asgi)
        monkeypatch.setattr(deployment, "settings", fake)

    return use


@pytest.mark.parametrize("age", [60, None])
def test_connections_that_pile_up(databases, age):
    databases(age)
    message = "DATABASES['postgresql'] keeps its connections (CONN_MAX_AGE); under ASGI they pile up."
    hint = (
        "Set CONN_MAX_AGE to 0. With PostgreSQL, let Django pool connections: "
        '"OPTIONS": {"pool": True}, "CONN_HEALTH_CHECKS": True.'
    )
    assert deployment.check_connections() == [Warning(message, hint=hint, id="chatkit.W010")]


def test_what_is_advised_for_connections_brings_no_other_warning(databases):
    databases(60)
    [warning] = deployment.check_connections()
    advised = ast.literal_eval("{" + warning.hint.partition("connections: ")[2].rstrip(".") + "}")
    assert not deployment.has_blind_pool(advised)


def test_connections_may_stay_without_asgi(databases):
    databases(60, asgi=None)
    assert deployment.check_connections() == []


@pytest.mark.parametrize("options", [{"pool": True}, {"pool": {"max_size": 4}}])
def test_a_pool_of_connections_that_are_not_tried(monkeypatch, options):
    database = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": options}
    monkeypatch.setattr(deployment, "settings", SimpleNamespace(DATABASES={"default": database, "other": {}}))
    message = (
        "DATABASES['default'] has a pool, and takes from it without a look: after a restart of the database, "
        "answers that are being written are lost."
    )
    hint = 'Set "CONN_HEALTH_CHECKS": True beside "OPTIONS".'
    assert deployment.check_pools() == [Warning(message, hint=hint, id="chatkit.W020")]
    database["CONN_HEALTH_CHECKS"] = True
    assert deployment.check_pools() == []


# What a plain check imports


@pytest.mark.parametrize("deploy", [False, True])
def test_a_plain_check_imports_neither_server_nor_agents(deploy):
    code = f"""
import sys, django
from django.core.management import call_command
django.setup()
call_command("check", deploy={deploy})
print(sorted({{"chatkit.server", "agents", "tests.servers"}} & set(sys.modules)))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.strip().splitlines()[-1]
    assert "'chatkit.server', 'tests.servers'" in loaded if deploy else loaded == "[]"


# Speech and feedback


@pytest.fixture
def server(settings):
    """A server class with these attributes, and the path that messages name it by."""

    def declare(base=PublicServer, **attributes):
        made = type("Declared", (base,), {"__module__": __name__, **attributes})
        globals()["Declared"] = made
        settings.CHATKIT_SERVERS = {"default": "tests.test_checks.Declared"}
        return "tests.test_checks.Declared"

    yield declare
    globals().pop("Declared", None)


def listen(recording, context):
    return ""


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"transcribe": "whisper"}, "transcribe must be a function, not 'whisper'"),
        ({"max_size": 0}, "max_size must be a whole number greater than 0, not 0"),
        ({"max_size": 1.5}, "max_size must be a whole number greater than 0, not 1.5"),
        ({"timeout": 0}, "timeout must be a number greater than 0, not 0"),
        ({"timeout": "60"}, "timeout must be a number greater than 0, not '60'"),
    ],
)
def test_dictation_that_cannot_be(server, values, problem):
    path = server(dictation=Dictation(**{"transcribe": listen, **values}))
    hint = "Dictation(transcribe, max_size=…, timeout=…) are its arguments."
    assert found() == [Error(f"{path}.dictation: {problem}.", hint=hint, id="chatkit.E017")]


BUTTON = {"composer": {"dictation": {"enabled": True}}}


def test_button_without_dictation(server):
    path = server(options=BUTTON)
    message = f"{path}.options: composer.dictation is enabled, but the server has no dictation."
    hint = "Add dictation = Dictation(…), which also switches the button on, or leave the option out."
    assert found() == [Error(message, hint=hint, id="chatkit.E018")]


@pytest.mark.parametrize(
    "attributes",
    [
        {"options": BUTTON, "dictation": Dictation(listen)},
        {"options": BUTTON, "get_dictation": lambda self, context: Dictation(listen)},
        {"options": {"composer": {"dictation": {"enabled": False}}}},
        {"dictation": Dictation(listen)},
        {"dictation": Dictation(OpenAITranscriber())},
        {"feedback_question": FeedbackQuestion()},
        {"feedback_question": FeedbackQuestion("Why?", [], multiple=False, thanks="Thanks")},
    ],
)
def test_speech_and_feedback_as_they_should_be(server, attributes):
    server(**attributes)
    assert found() == []


def test_recordings_that_django_refuses(server, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3_000_000
    path = server(dictation=Dictation(listen, max_size=3_000_000))
    message = (
        f"{path}.dictation takes 3000000 bytes, but DATA_UPLOAD_MAX_MEMORY_SIZE is 3000000: "
        "such a recording makes a request of 4004096 bytes."
    )
    hint = "Raise that setting, or lower max_size."
    assert found() == [Warning(message, hint=hint, id="chatkit.W013")]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert found() == []


def test_djangos_default_lets_our_default_through(server, settings):
    server(dictation=Dictation(listen))
    assert found() == []


def test_dictation_without_a_key(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    path = server(dictation=Dictation(OpenAITranscriber()))
    message = f"{path}.dictation has no key, so nobody can dictate."
    hint = "Set OPENAI_API_KEY, or give it an api_key."
    assert found() == [Warning(message, hint=hint, id="chatkit.W014")]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"text": ""}, "text must be a text"),
        ({"thanks": None}, "thanks must be a text"),
        ({"options": "Wrong"}, "options must be a list of texts"),
        ({"options": ["Wrong", 7]}, "options must be a list of texts"),
        ({"options": ["Wrong", "Wrong"]}, "options must be different from each other, and at most 20"),
        (
            {"options": [str(n) for n in range(21)]},
            "options must be different from each other, and at most 20",
        ),
    ],
)
def test_feedback_question_that_cannot_be_put(server, values, problem):
    path = server(feedback_question=FeedbackQuestion(**values))
    hint = "FeedbackQuestion(text, options=[…], multiple=…, thanks=…) are its arguments."
    assert found() == [Error(f"{path}.feedback_question: {problem}.", hint=hint, id="chatkit.E019")]


# Keys


class OtherModel(OpenAIChatCompletionsModel):
    def __init__(self):
        pass


@pytest.mark.parametrize(
    "attributes",
    [
        {"agent": Agent(name="A")},
        {"agent": Agent(name="A", model="gpt-5")},
        {"agent": Agent(name="A", model="openai/gpt-5")},
        {"agent": Agent(name="A", model=OtherModel(), handoffs=[Agent(name="B")])},
        {"agent": Agent(name="A", model=OtherModel()), "title_agent": Agent(name="T")},
    ],
)
def test_no_key_for_openais_models(server, monkeypatch, attributes):
    monkeypatch.delenv("OPENAI_API_KEY")
    path = server(AgentServer, **attributes)
    message = f"{path} uses OpenAI's models, but OPENAI_API_KEY is not set: no message can be answered."
    hint = "Set it in the environment, or give the agent a model of its own."
    assert found() == [Warning(message, hint=hint, id="chatkit.W015")]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert found() == []


@pytest.mark.parametrize(
    "attributes",
    [
        {"agent": Agent(name="A", model=OtherModel())},
        {"agent": Agent(name="A", model="litellm/some/model")},
        {"agent": Agent(name="A"), "run_config": RunConfig(model=OtherModel())},
        {"agent": Agent(name="A"), "run_config": RunConfig(model_provider=OpenAIProvider(api_key="x"))},
        {"get_agent": lambda self, context: Agent(name="A")},
    ],
)
def test_models_that_need_no_key_of_openais(server, monkeypatch, attributes):
    monkeypatch.delenv("OPENAI_API_KEY")
    server(AgentServer, **attributes)
    assert found() == []


# Tools


class ToolServer(AgentServer):
    pass


@pytest.fixture
def tools(settings, monkeypatch):
    """A server whose agent has one tool, which is declared like this."""

    def declare(**options):
        @tool(**options)
        def cancel(order_id: int) -> str:
            """Cancel."""

        helper = Agent(name="Helper", tools=[cancel])
        monkeypatch.setattr(ToolServer, "agent", Agent(name="Test", handoffs=[helper]), raising=False)
        settings.CHATKIT_SERVERS = {"default": "tests.test_checks.ToolServer"}

    return declare


@pytest.mark.parametrize(
    "permission", ["view_order", "shop.", ".view_order", "a.b.c", ["shop.view_order", "x"]]
)
def test_permission_that_nobody_can_have(tools, permission):
    tools(permission=permission)
    [message] = found()
    wrong = permission if isinstance(permission, str) else "x"
    assert message == Error(
        f"tests.test_checks.ToolServer.agent: the tool cancel has the permission {wrong!r}, "
        "which nobody can have.",
        hint='Write app_label.codename, such as "shop.view_order".',
        id="chatkit.E030",
    )


def test_question_with_an_unknown_argument(tools):
    tools(confirm="Cancel {orderid}?")
    [message] = found()
    assert message.id == "chatkit.E031"
    assert "{orderid}, which is no argument" in message.msg
    assert "order_id" in message.hint


def test_question_that_is_no_template(tools):
    tools(confirm="Cancel {order_id?")
    assert ids(found()) == ["chatkit.E031"]


@pytest.mark.parametrize(
    "options",
    [
        {"confirm": "Cancel {order_id}?"},
        {"confirm": "Cancel {order_id:05d} {{now}}?"},
        {"confirm": lambda arguments, context: "Sure?"},
        {"permission": lambda context: True},
        {"permission": "auth.view_user"},
    ],
)
@pytest.mark.django_db
def test_tools_as_they_should_be(deployed, tools, options):
    tools(**options)
    assert found(deploy=True) == []


@pytest.mark.django_db
def test_permission_that_the_database_does_not_know(deployed, tools):
    tools(permission="auth.view_nothing")
    [message] = found(deploy=True)
    assert message == Warning(
        "The tool cancel has the permission 'auth.view_nothing', which is not in the database.",
        hint="Correct it, run migrate, or silence this if a backend of yours gives it.",
        id="chatkit.W030",
    )


# Handlers of actions


def server_with(**handlers):
    """A server class with these methods, each for the action "go" unless it is marked already."""
    marked = {
        name: function if hasattr(function, MARK) else on_action("go")(function)
        for name, function in handlers.items()
    }
    for name, function in handlers.items():
        function.__qualname__ = f"ActionServer.{name}"
    return type("ActionServer", (TextServer,), {"reply": lambda self, message, context: "", **marked})


def takes_what_is_not_there(self, action, payload: "Missing"): ...  # noqa: F821


def takes_what_pydantic_does_not_know(self, action, payload: socket.socket): ...


HANDLERS = {
    "a name that is not there": (
        {"go": takes_what_is_not_there},
        "the payload of go() has an annotation that cannot be used: name 'Missing' is not defined",
    ),
    "a type that is none for JSON": (
        {"go": takes_what_pydantic_does_not_know},
        "annotation that cannot be used",
    ),
    "nothing": ({"go": lambda self: None}, "go() must take the action and, if it has one, its payload"),
    "too much": ({"go": lambda self, action, payload, more: None}, "go() must take the action"),
    "two": (
        {"go": lambda self, action: None, "run": lambda self, action: None},
        "go() and run() both handle 'go'",
    ),
}


@pytest.mark.parametrize("what", HANDLERS)
def test_handlers_that_cannot_be_used(settings, monkeypatch, what):
    handlers, problem = HANDLERS[what]
    monkeypatch.setattr(sys.modules[__name__], "ActionServer", server_with(**handlers), raising=False)
    settings.CHATKIT_SERVERS = {"default": "tests.test_checks.ActionServer"}
    [message] = found()
    assert message.id == "chatkit.E021"
    assert message.msg.startswith("tests.test_checks.ActionServer: ")
    assert problem in message.msg
    assert "ActionRequest" in message.hint


def test_handlers_as_they_should_be(settings, monkeypatch):
    server = server_with(
        go=lambda self, action: None,
        run=on_action("run")(lambda self, action, payload={}: None),
    )

    class Sub(server):
        @on_action("go")
        def another(self, action, payload: int): ...

    monkeypatch.setattr(sys.modules[__name__], "ActionServer", Sub, raising=False)
    settings.CHATKIT_SERVERS = {"default": "tests.test_checks.ActionServer"}
    assert found() == []
    assert {action: handler.name for action, handler in Sub.handlers.items()} == {
        "go": "another",
        "run": "run",
    }
