"""The shipped languages: complete, compiled, in step with the code, and what people and staff really read."""

import gettext
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import django
import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import translation

from django_chatkit.demo import DemoServer
from django_chatkit.models import Confirmation, Thread
from django_chatkit.widget import get_hints, get_messages, render_widget

from chatkit import types

PACKAGE = Path(__file__).parent.parent / "django_chatkit"
LANGUAGES = ["de", "es", "fr", "it", "nl", "pt_BR"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\{|\}\}|\{\w+\}")

needs_gettext = pytest.mark.skipif(
    not all(map(shutil.which, ("xgettext", "msgmerge", "msgfmt"))),
    reason="there is no GNU gettext: install it",
)


def catalogue(language: str, package: Path = PACKAGE) -> Path:
    return package / "locale" / language / "LC_MESSAGES" / "django.po"


def read(path: Path) -> dict[object, str]:
    """The messages of a compiled catalogue; of a plural, each form by itself."""
    with path.open("rb") as file:
        messages = dict(gettext.GNUTranslations(file)._catalog)
    messages.pop("")  # the header
    return messages


def compile_strictly(source: Path, target: Path) -> str:
    """Write the .mo file and return what msgfmt counted: it refuses wrong formats and headers."""
    command = ["msgfmt", "--check-format", "--check-header", "--statistics", "-o", str(target), str(source)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """A copy of the package after `makemessages`, as `make messages` calls it."""
    copy = tmp_path_factory.mktemp("locale") / "django_chatkit"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--all", "--no-obsolete", "--no-wrap", "--add-location", "file"]
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "django", "makemessages", *options]
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    return copy


# The catalogues


def test_these_are_the_languages():
    assert sorted(folder.name for folder in (PACKAGE / "locale").iterdir()) == LANGUAGES


@needs_gettext
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete_and_in_step_with_the_code(language, extracted, tmp_path):
    """No message is new, gone, untranslated or fuzzy. If this fails: `make messages`, and translate."""
    counted = compile_strictly(catalogue(language, extracted), tmp_path / "new.mo")
    assert re.fullmatch(r"\d+ translated messages\.", counted)
    assert read(tmp_path / "new.mo") == read(catalogue(language).with_suffix(".mo"))


@needs_gettext
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_source(language, tmp_path):
    counted = compile_strictly(catalogue(language), tmp_path / "new.mo")
    assert re.fullmatch(r"\d+ translated messages\.", counted)
    assert read(tmp_path / "new.mo") == read(catalogue(language).with_suffix(".mo"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_the_same_messages(language):
    assert ids(language) == ids("de")


def ids(language):
    messages = read(catalogue(language).with_suffix(".mo"))
    return {key[0] if isinstance(key, tuple) else key for key in messages}


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_kept(language):
    for key, text in read(catalogue(language).with_suffix(".mo")).items():
        original = key[0] if isinstance(key, tuple) else key
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(original)), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_ends_of_sentences_are_kept(language):
    """A question stays a question, and spaces and colons stay at the ends."""
    for key, text in read(catalogue(language).with_suffix(".mo")).items():
        original = key[0] if isinstance(key, tuple) else key
        assert text[-1] == original[-1] or not {text[-1], original[-1]} & set(" \n.:?!…"), key
        assert text[0].isspace() == original[0].isspace(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_django_keep_djangos_translation(language):
    """A message without a context belongs to the whole site: ours would change pages that are not ours."""
    ours = read(catalogue(language).with_suffix(".mo"))
    for path in Path(django.__file__).parent.rglob(f"locale/{language}/LC_MESSAGES/django.mo"):
        theirs = read(path)
        differing = {key: (ours[key], theirs[key]) for key in ours.keys() & theirs.keys()}
        assert not [pair for pair in differing.items() if len(set(pair[1])) > 1], path


# What people read


@pytest.fixture
def german(chat):
    """Ann, whose browser speaks German."""
    chat.headers["Accept-Language"] = "de"
    return chat


def visit():
    request = RequestFactory().get("/page/")
    request.user = AnonymousUser()
    request.session = {}
    return request


@pytest.mark.parametrize(
    ("language", "hint", "button"),
    [
        ("de", "Bitte melden Sie sich an, um zu chatten.", "Anmelden"),
        ("fr", "Veuillez vous connecter pour discuter.", "Se connecter"),
        ("es", "Inicie sesión para chatear.", "Iniciar sesión"),
        ("nl", "Meld u aan om te chatten.", "Aanmelden"),
        ("it", "Acceda per chattare.", "Accedi"),
        ("pt-br", "Faça login para conversar.", "Fazer login"),
        ("de-at", "Bitte melden Sie sich an, um zu chatten.", "Anmelden"),
        ("ja", "Please sign in to chat.", "Sign in"),
    ],
)
def test_the_hint_to_sign_in(language, hint, button, settings):
    settings.LANGUAGE_CODE = language
    with translation.override(language):
        html = unescape(str(render_widget(visit(), "sales")))
    assert hint in html
    assert f">{button}</a>" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_that_the_script_shows(language):
    """widget.js has no words of its own."""
    english = [*get_messages().values(), *get_hints().values()]
    with translation.override(language):
        html = str(render_widget(visit(), "public"))
        spoken = [*get_messages().values(), *get_hints().values()]
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])
    assert list(data["messages"].values()) == spoken[: len(data["messages"])]
    assert not set(english) & set(spoken)


async def test_a_refusal(german):
    refused = (await german.get_thread("thr_nowhere")).assert_refused(404)
    assert refused.message == "Diese Unterhaltung oder ein Teil davon wurde nicht gefunden."


async def test_a_refusal_in_the_sites_language(chat, settings):
    settings.LANGUAGE_CODE = "fr"
    refused = (await chat.get_thread("thr_nowhere")).assert_refused(404)
    assert refused.message == "Cette conversation, ou une partie de celle-ci, est introuvable."


def test_pages_of_the_admin(admin_client):
    thread = Thread.objects.create(thread_id="thr_1", visitor="visitor", title="Hello")
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    url = "/admin/django_chatkit/thread/"
    listed = admin_client.get(url).text
    assert "Ausgewählte Unterhaltungen sperren" in listed
    assert '<span class="chatkit-badge chatkit-active">aktiv</span>' in listed
    page = admin_client.get(f"{url}{thread.pk}/change/").text
    assert "Der Eigentümer kann nur in aktive Unterhaltungen schreiben." in page
    done = admin_client.post(url, {"action": "lock", "_selected_action": thread.pk}, follow=True)
    assert "1 Unterhaltung: gesperrt." in done.text
    thread.refresh_from_db()
    assert thread.status == Thread.Status.LOCKED


# The demo, which understands English words


@pytest.fixture
def demo(settings, german):
    del settings.CHATKIT_SERVERS
    return german


PROMPTS = DemoServer.options["startScreen"]["prompts"]


def test_the_start_screen_of_the_demo():
    with translation.override("de"):
        labels = [str(prompt["label"]) for prompt in PROMPTS]
        prompts = [str(prompt["prompt"]) for prompt in PROMPTS]
    assert labels[0] == "Was können Sie?"
    assert prompts == [prompt["prompt"] for prompt in PROMPTS]


async def test_the_demo_says_in_german_what_it_can(demo):
    reply = await demo.send("help")
    assert reply.text.startswith("Guten Tag!")
    assert 'CHATKIT_SERVERS = {"default": ' in reply.text
    assert "`/widget` — ein Widget mit einem Knopf" in reply.text


async def test_the_prompts_of_the_demo_work_in_german(demo, monkeypatch):
    monkeypatch.setattr("django_chatkit.demo.script.MAX_MILLISECONDS", 1)
    expected = {
        "help": types.AssistantMessageItem,
        "/widget": types.WidgetItem,
        "/form": types.WidgetItem,
        "/ask": types.StructuredInputItem,
        "think": types.WorkflowItem,
        "/slow 20 300": types.AssistantMessageItem,
    }
    assert list(expected) == [prompt["prompt"] for prompt in PROMPTS]
    for prompt, kind in expected.items():
        reply = (await demo.send(prompt)).assert_ok()
        assert not reply.errors
        assert reply.filter(kind), prompt


async def test_a_german_yes_counts_on_an_english_page(demo):
    """Somebody may change the language between the question and the answer."""
    asked = await demo.send("/confirm")
    item = asked.get(types.StructuredInputItem)
    [question] = item.inputs
    assert [option.value for option in question.options] == ["Ja", "Nein"]
    demo.headers["Accept-Language"] = "en"
    reply = await demo.answer(asked.thread_id, item.id, {question.id: "Ja"})
    assert "shelf 7 is empty now." in reply.text
    assert (await Confirmation.objects.aget()).status == Confirmation.Status.CONFIRMED


async def test_the_words_that_the_demo_names_work_in_german(demo):
    reply = await demo.send("help")
    for word in re.findall(r"\*(\w+)\*", reply.text):
        said = await demo.send(word)
        assert not said.text.startswith("Guten Tag!"), word
