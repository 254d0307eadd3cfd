"""What the widget puts on the page."""

import inspect
import json
import logging
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy, override

from django_chatkit.options.schema import OPTIONS
from django_chatkit.widget import SHORTCUTS, InvalidArgument, get_hints, render_widget
from tests.servers import EchoServer

ROOT = Path(__file__).resolve().parent.parent
CDN = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js"
DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
HOSTILE = "</script><script>alert(1)</script><!--\u2028'\"&{{ 7 }}"

OPTION_SETS = [
    {},
    {"theme": "dark"},
    {"theme": {"colorScheme": "auto", "radius": "soft", "typography": {"baseSize": 16}}},
    {"locale": "pt-BR", "frameTitle": gettext_lazy("Help"), "initialThread": None},
    {"initialThread": "thr_1", "history": {"enabled": True, "showDelete": False, "showRename": True}},
    {"startScreen": {"greeting": "Hi", "prompts": [{"label": "Track", "prompt": "Where?", "icon": "bolt"}]}},
    {"header": {"title": {"text": "Help"}}, "disclaimer": {"text": "May err", "highContrast": True}},
    {"composer": {"placeholder": "Ask", "models": [{"id": "a", "label": "A", "default": True}]}},
    {"composer": {"attachments": {"enabled": True}}, "api": {"uploadStrategy": {"type": "two_phase"}}},
    {
        "composer": {
            "tools": [{"id": "t", "label": "T", "icon": "lucide:star"}],
            "dictation": {"enabled": False},
        }
    },
    {"threadItemActions": {"feedback": False}, "thread": {"autoScroll": True}},
    {"entities": {"showComposerMenu": True}},
    {"startScreen": {"greeting": HOSTILE}},
]


class OptionsServer(EchoServer):
    """Open to all; with options of its own, some for some."""

    allow_anonymous = True
    options = {"theme": {"radius": "soft"}, "startScreen": {"greeting": "From the class"}}

    def get_options(self, context):
        if context.user is None:
            return self.options
        return self.options | {
            "disclaimer": {"text": f"For {context.user}, {context.server}, {context.tenant}"}
        }

    def get_tenant(self, request):
        return "tenant"


class StrictServer(EchoServer):
    """Knows nobody."""

    allow_anonymous = True

    def has_permission(self, context):
        return False


class WrongServer(EchoServer):
    allow_anonymous = True
    options = {"startScreen": {"greting": "Hi"}, "header": {"enabled": "yes"}, "disclaimer": {"text": "Kept"}}


class DoubtfulServer(EchoServer):
    allow_anonymous = True
    options = {"locale": "xx"}


@pytest.fixture(autouse=True)
def chats(settings):
    settings.CHATKIT_SERVERS = {
        **settings.CHATKIT_SERVERS,
        "options": "tests.test_widget.OptionsServer",
        "strict": "tests.test_widget.StrictServer",
        "wrong": "tests.test_widget.WrongServer",
        "doubtful": "tests.test_widget.DoubtfulServer",
    }


@pytest.fixture
def visit(rf):
    """A request to a page, by a visitor or by a user."""

    def visit(user=None, url="/page/?a=1&b=2", **headers):
        request = rf.get(url, headers=headers)
        request.user = user or AnonymousUser()
        return request

    return visit


def read(html):
    """What widget.js reads."""
    [text] = DATA.findall(html)
    return json.loads(text)


# The page


def test_the_page_gets_an_element_its_data_and_three_files(visit):
    html = render_widget(visit(), "public")
    assert html.count("<openai-chatkit></openai-chatkit>") == 1
    assert '<django-chatkit class="chatkit" id="chatkit-public" data-server="public"' in html
    assert re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', html) == [
        "/static/django_chatkit/widget.css",
        "/static/django_chatkit/widget.js",
        CDN,
    ]
    assert not re.search(r"<script[^>]*src[^>]*(async|module)|style=| on\w+=|<style", html)
    assert len(re.findall(r"<script[^>]*src=[^>]*\sdefer", html)) == 2


def test_the_data(visit, settings):
    settings.CHATKIT_DOMAIN_KEY = "domain_pk_1"
    data = read(render_widget(visit(), "public"))
    assert data["server"] == "public"
    assert data["options"] == {
        "api": {"url": "/chatkit/public/", "domainKey": "domain_pk_1"},
        "locale": "en",
        "theme": "auto",
        "frameTitle": "Chat",
        "threadItemActions": {"feedback": True, "retry": True},
    }
    assert data["scriptUrl"] == CDN
    assert data["csrf"] == {"header": "X-Csrftoken", "cookie": "csrftoken"}
    assert data["hints"] is None
    assert all(data["messages"].values())


def test_the_default_server_answers_at_the_root(visit, user):
    assert read(render_widget(visit(user)))["options"]["api"]["url"] == "/chatkit/"


def test_files_are_loaded_once_per_page(visit):
    request = visit()
    first, second, third = (
        render_widget(request, "public"),
        render_widget(request, "options"),
        render_widget(request, "public", mode="floating"),
    )
    assert " src=" in first
    assert " src=" not in second
    assert "<link" not in second
    assert re.findall(r' src="([^"]+)"', third) == ["/static/django_chatkit/floating.js"]
    assert " src=" in render_widget(visit(), "public")


def test_a_floating_chat(visit):
    html = render_widget(visit(), "public", mode="floating")
    assert 'aria-controls="chatkit-public-window"' in html
    assert 'id="chatkit-public-window"' in html
    assert 'aria-expanded="false"' in html
    assert 'role="dialog"' in html
    assert 'aria-label="Chat"' in html
    assert "floating.js" in html


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "empty"},
        {"HX-Request": "true"},
        {"Turbo-Frame": "a"},
        {"X-Turbo-Request-Id": "a"},
        {"X-Requested-With": "XMLHttpRequest"},
    ],
)
def test_fragments_leave_the_component_to_our_script(visit, headers):
    html = render_widget(visit(**headers), "public")
    assert "widget.js" in html
    assert f'src="{CDN}"' not in html
    assert read(html)["scriptUrl"] == CDN


def test_a_page_is_no_fragment(visit):
    assert f'src="{CDN}"' in render_widget(visit(**{"Sec-Fetch-Dest": "document"}), "public")


def test_another_script(visit, settings):
    settings.CHATKIT_SCRIPT_URL = '/standin.js?"><script>'
    html = render_widget(visit(), "public")
    assert 'src="/standin.js?&quot;&gt;&lt;script&gt;"' in html


def test_names_of_files_that_never_change(visit, settings, tmp_path):
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    html = render_widget(visit(), "public", mode="floating")
    for name in (r"widget\.\w{12}\.js", r"floating\.\w{12}\.js", r"widget\.\w{12}\.css"):
        assert re.search(f'"/static/django_chatkit/{name}"', html)


def test_templates_can_be_replaced(visit, settings, tmp_path):
    folder = tmp_path / "django_chatkit"
    folder.mkdir()
    (folder / "launcher.html").write_text("Ask us, {{ request.user }}!")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert "Ask us, AnonymousUser!" in render_widget(visit(), "public", mode="floating")


def test_jinja(visit, settings):
    """As the documentation of the tag says."""
    jinja2 = pytest.importorskip("jinja2", reason="not for this run: Jinja2 is not installed")
    environment = jinja2.Environment(autoescape=True)
    code = (ROOT / "docs" / "reference" / "tag.md").read_text().split("```python\n", 1)[1].split("```")[0]
    exec(code, {"environment": environment})
    template = re.search(r"# (\{\{.*)", code)[1].replace("sales", "public")
    html = environment.from_string(template).render(request=visit())
    assert "<django-chatkit-floating" in html
    assert read(html)["server"] == "public"


# Options


@pytest.mark.parametrize("options", OPTION_SETS)
def test_options_arrive_as_they_are(visit, options):
    html = render_widget(visit(), "public", options=options)
    sent = read(html)["options"]
    for group, value in options.items():
        if isinstance(value, dict):
            assert value.items() <= sent[group].items()
        else:
            assert sent[group] == value
    assert html.count("<script") == html.count("</script>") == 3


def test_hostile_text_stays_text(visit):
    html = render_widget(
        visit(),
        "public",
        mode="floating",
        options={"frameTitle": HOSTILE, "startScreen": {"greeting": HOSTILE}},
    )
    assert "alert(1)</script>" not in html
    assert "<!--" not in html
    assert read(html)["options"]["startScreen"]["greeting"] == HOSTILE
    [label] = re.findall(r'aria-label="([^"]*)"', html)
    assert unescape(label) == HOSTILE


@override_settings(
    CHATKIT_OPTIONS={"theme": "light", "locale": "de", "startScreen": {"greeting": "Settings"}}
)
def test_the_tag_comes_before_the_class_before_the_settings_before_the_defaults(visit):
    options = read(render_widget(visit(), "options", threadItemActions={"retry": False}))["options"]
    assert options["theme"] == {"colorScheme": "light", "radius": "soft"}
    assert options["locale"] == "de"
    assert options["startScreen"] == {"greeting": "From the class"}
    assert options["threadItemActions"] == {"feedback": True, "retry": False}
    options = read(render_widget(visit(), "options", theme="dark", greeting="Tag"))["options"]
    assert options["theme"] == {"colorScheme": "dark", "radius": "soft"}
    assert options["startScreen"] == {"greeting": "Tag"}


def test_options_may_depend_on_the_person(visit, user):
    assert "disclaimer" not in read(render_widget(visit(), "options"))["options"]
    options = read(render_widget(visit(user), "options"))["options"]
    assert options["disclaimer"] == {"text": "For ann, options, tenant"}


def test_a_theme_keeps_following_the_system(visit):
    html = render_widget(visit(), "options")
    assert read(html)["options"]["theme"] == {"colorScheme": "auto", "radius": "soft"}
    assert 'data-scheme="auto"' in html
    assert 'data-scheme="dark"' in render_widget(visit(), "options", theme="dark")


@pytest.mark.parametrize(("language", "locale"), [("de-at", "de"), ("pt-br", "pt-BR"), ("zh-hans", "zh-CN")])
def test_the_locale_is_that_of_the_page(visit, language, locale):
    with override(language):
        assert read(render_widget(visit(), "public"))["options"]["locale"] == locale


def test_without_a_language(visit):
    with override(None):
        assert read(render_widget(visit(), "public"))["options"]["locale"] == "en"


def test_calls_from_python_are_checked_too(visit):
    with pytest.raises(InvalidArgument, match="there is no argument"):
        render_widget(visit(), "public", threads={})


# Problems


def test_visitors_get_the_chat_without_what_is_wrong(visit, caplog):
    with caplog.at_level(logging.ERROR, logger="django_chatkit"):
        html = render_widget(visit(), "wrong")
    options = read(html)["options"]
    assert "startScreen" not in options
    assert "header" not in options
    assert options["disclaimer"] == {"text": "Kept"}
    assert options["threadItemActions"] == {"feedback": True, "retry": True}
    assert "chatkit-problems" not in html
    [record] = caplog.records
    assert record.getMessage().startswith("Options of the chat 'wrong': startScreen.greting: ")
    assert "header.enabled" in record.getMessage()


@pytest.mark.parametrize("debug", [True, False])
def test_developers_and_staff_read_what_is_wrong(visit, settings, debug, admin_user, caplog):
    settings.DEBUG = debug
    html = render_widget(visit(None if debug else admin_user), "wrong")
    assert "<openai-chatkit" not in html
    assert "<script" not in html
    assert "<code>startScreen.greting</code>" in html
    assert "did you mean &quot;greeting&quot;?" in html
    assert "<code>header.enabled</code>" in html
    assert "was not started" in html
    assert caplog.records == []


def test_the_chat_works_in_spite_of_a_mere_doubt(visit, settings, caplog):
    assert "chatkit-problems" not in render_widget(visit(), "doubtful")
    assert "Options of the chat 'doubtful': locale:" in caplog.text
    settings.DEBUG = True
    html = render_widget(visit(), "doubtful")
    assert "<code>locale</code>" in html
    assert "works in spite of that" in html
    assert "<openai-chatkit" in html


def test_a_default_that_was_spoiled_is_put_back(visit, settings):
    settings.CHATKIT_OPTIONS = {"api": {"url": 7}, "theme": "drak", "threadItemActions": {"retyr": True}}
    options = read(render_widget(visit(), "public"))["options"]
    assert options["api"] == {"url": "/chatkit/public/", "domainKey": "local-dev"}
    assert options["theme"] == "auto"
    assert options["threadItemActions"] == {"feedback": True, "retry": True}


def test_problems_are_escaped(visit, settings):
    settings.DEBUG = True
    html = render_widget(visit(), "public", options={"<b>": 1, "theme": "<i>"})
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;" in html


@pytest.mark.parametrize("debug", [True, False])
def test_technical_details_are_for_developers(visit, settings, debug):
    settings.DEBUG = debug
    assert (read(render_widget(visit(), "public"))["hints"] is not None) is debug


def test_staff_who_left_are_no_staff(visit, admin_user):
    assert read(render_widget(visit(admin_user), "public"))["hints"]
    admin_user.is_active = False
    assert read(render_widget(visit(admin_user), "public"))["hints"] is None


# Who may


@pytest.mark.parametrize("mode", ["inline", "floating"])
def test_signed_out_visitors_are_asked_to_sign_in(visit, settings, mode):
    settings.LOGIN_URL = "/sign-in/"
    html = render_widget(visit(), "sales", mode=mode)
    assert "<script" not in html
    assert "Please sign in to chat." in html
    assert 'href="/sign-in/?next=%2Fpage%2F%3Fa%3D1%26b%3D2"' in html
    assert f'data-mode="{mode}"' in html
    assert "widget.css" in html


def test_the_login_url_may_be_a_name_or_have_a_query(visit, settings):
    settings.LOGIN_URL = "admin:login"
    assert 'href="/admin/login/?next=' in render_widget(visit(), "sales")
    settings.LOGIN_URL = "/sign-in/?from=chat"
    assert 'href="/sign-in/?from=chat&amp;next=' in render_widget(visit(), "sales")


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"HX-Current-URL": "http://testserver/shop/?a=1#x"}, "%2Fshop%2F%3Fa%3D1"),
        ({"HX-Current-URL": "http://testserver/shop/", "HX-Boosted": "true"}, "%2Fpage%2F"),
        ({"HX-Current-URL": "https://evil.example/shop/"}, "%2Fpage%2F"),
        ({"HX-Current-URL": "//evil.example//shop/"}, "%2Fpage%2F"),
    ],
)
def test_a_fragment_leads_back_to_its_page(visit, headers, path):
    assert f"?next={path}" in render_widget(visit(**headers), "sales")


def test_people_without_permission_are_told(visit):
    html = render_widget(visit(), "strict")
    assert "You may not use this chat." in html
    assert "<script" not in html
    assert "<a " not in html


def test_users_chat(visit, user):
    assert "<openai-chatkit" in render_widget(visit(user), "sales")


# CSRF


def test_the_page_sets_the_cookie(visit):
    request = visit()
    render_widget(request, "public")
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]


def test_names_of_ones_own(visit, settings):
    settings.CSRF_COOKIE_NAME = "mine"
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
    assert read(render_widget(visit(), "public"))["csrf"] == {"header": "X-Xsrf-Token", "cookie": "mine"}


@pytest.mark.django_db
@pytest.mark.parametrize("setting", ["CSRF_COOKIE_HTTPONLY", "CSRF_USE_SESSIONS"])
def test_a_token_that_scripts_cannot_see_is_on_the_page(client, settings, setting):
    request = client.get("/admin/login/").wsgi_request
    setattr(settings, setting, True)
    csrf = read(render_widget(request, "public"))["csrf"]
    assert csrf.keys() == {"header", "token", "url"}
    assert len(csrf["token"]) == len(get_token(request))


# Content Security Policy


class Nonce(SimpleLazyObject):
    """As Django's and django-csp's: made when it is first turned into text, and false before."""

    def __init__(self):
        super().__init__(lambda: "abc+/=")

    def __bool__(self):
        return False


@pytest.mark.parametrize("attribute", ["csp_nonce", "_csp_nonce"])
def test_the_nonce_of_the_request(visit, attribute):
    request = visit()
    setattr(request, attribute, Nonce())
    html = render_widget(request, "public", mode="floating")
    assert html.count('nonce="abc+/="') == 4


def test_the_nonce_of_the_context_comes_first(visit):
    request = visit()
    request.csp_nonce = "other"
    assert render_widget(request, "public", nonce=Nonce()).count('nonce="abc+/="') == 3


def test_no_nonce(visit):
    assert "nonce" not in render_widget(visit(), "public")


def test_the_nonce_of_django_csp(visit):
    middleware = pytest.importorskip("csp.middleware")
    constants = pytest.importorskip("csp.constants")
    policy = {"DIRECTIVES": {"script-src": [constants.NONCE]}}
    answer = middleware.CSPMiddleware(lambda request: HttpResponse(render_widget(request, "public")))
    with override_settings(CONTENT_SECURITY_POLICY=policy):
        response = answer(visit())
    [nonce] = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    assert unescape(response.content.decode()).count(f'nonce="{nonce}"') == 3


def test_the_nonce_of_django_6(visit):
    reason = "not for this run: Django before 6 has no policy of its own"
    middleware = pytest.importorskip("django.middleware.csp", reason=reason)
    constants = pytest.importorskip("django.utils.csp").CSP
    policy = {"script-src": [constants.NONCE]}
    answer = middleware.ContentSecurityPolicyMiddleware(
        lambda request: HttpResponse(render_widget(request, "public"))
    )
    with override_settings(SECURE_CSP=policy):
        response = answer(visit())
    [nonce] = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    assert unescape(response.content.decode()).count(f'nonce="{nonce}"') == 3


# Addresses


inner = ([path("chatkit/", include("django_chatkit.urls"))], "shop")
urlpatterns = [path("shop/", include(inner)), path("page/", lambda request: None)]


@override_settings(ROOT_URLCONF="tests.test_widget")
def test_the_urls_are_found_under_the_pages_own_namespace(visit):
    request = visit()
    request.resolver_match = type("Match", (), {"namespaces": ["shop"]})()
    assert read(render_widget(request, "public"))["options"]["api"]["url"] == "/shop/chatkit/public/"


@override_settings(ROOT_URLCONF="tests.test_widget")
def test_without_urls(visit):
    with pytest.raises(ImproperlyConfigured, match=r'path\("chatkit/", include\("django_chatkit.urls"\)\)'):
        render_widget(visit(), "public")


# TypeScript


def run(*command, cwd=ROOT):
    if not (ROOT / "node_modules" / ".bin" / command[0]).exists():
        pytest.skip("the packages of package.json are not installed: npm ci")
    command = [str(ROOT / "node_modules" / ".bin" / command[0]), *command[1:]]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_scripts_fit_the_types():
    assert run("tsc", "--project", ".") == (0, "")


def test_the_scripts_are_in_style():
    status, output = run("biome", "check", ".")
    assert status == 0, output


def test_the_options_fit_the_types(visit, tmp_path):
    """As the script sends them: a scheme for "auto"."""
    lines = ['import type { ChatKitOptions } from "@openai/chatkit";']
    for options in OPTION_SETS:
        sent = json.dumps(read(render_widget(visit(), "public", options=options))["options"])
        sent = sent.replace(': "auto"', ': "dark"')
        lines.append(f"({sent}) satisfies ChatKitOptions;")
    lines += ["// @ts-expect-error", '({ api: { url: "/" } }) satisfies ChatKitOptions;']
    (tmp_path / "options.ts").write_text("\n".join(lines))
    types = ROOT / "node_modules" / "@openai" / "chatkit" / "types" / "index.d.ts"
    config = {"strict": True, "noEmit": True, "types": [], "paths": {"@openai/chatkit": [str(types)]}}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": config, "files": ["options.ts"]}))
    assert run("tsc", "--project", str(tmp_path)) == (0, "")


# Documentation


def test_the_reference_names_every_option_argument_template_and_problem():
    tag = (ROOT / "docs" / "reference" / "tag.md").read_text()
    options = (ROOT / "docs" / "reference" / "options.md").read_text()
    parameters = set(inspect.signature(render_widget).parameters) - {"request", "server", "nonce", "groups"}
    templates = ROOT / "django_chatkit" / "templates" / "django_chatkit"
    assert [name for name in OPTIONS.keys if f"`{name}`" not in options] == []
    assert [name for name in {*parameters, *SHORTCUTS} if f"| `{name}` |" not in tag] == []
    assert [path.name for path in templates.glob("*.html") if f"| `{path.name}` |" not in tag] == []
    assert [kind for kind in get_hints() if f"| `{kind}` |" not in tag] == []
