"""The tag: its arguments, and what it says when they are wrong."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, RequestContext, Template, TemplateSyntaxError

from django_chatkit.servers import UnknownServer
from tests.test_widget import read


@pytest.fixture
def render(rf):
    request = rf.get("/page/")
    request.user = AnonymousUser()

    def render(tag, **context):
        return Template("{% load chatkit %}" + tag).render(RequestContext(request, context))

    return render


def test_options_are_arguments_under_their_own_names(render):
    html = render(
        "{% chatkit_widget 'public' theme='dark' initialThread=thread header=head composer=c locale='de' %}",
        thread="thr_1",
        head={"title": {"text": "Help"}},
        c={"placeholder": "Ask"},
    )
    options = read(html)["options"]
    assert options["theme"] == "dark"
    assert options["initialThread"] == "thr_1"
    assert options["header"] == {"title": {"text": "Help"}}
    assert options["composer"] == {"placeholder": "Ask"}
    assert options["locale"] == "de"


def test_templates_have_no_dicts_so_there_are_shortcuts(render):
    html = render(
        "{% chatkit_widget 'public' greeting='Hi' placeholder='A' history=False header=True disclaimer='' %}"
    )
    options = read(html)["options"]
    assert options["startScreen"] == {"greeting": "Hi"}
    assert options["composer"] == {"placeholder": "A"}
    assert options["history"] == {"enabled": False}
    assert options["header"] == {"enabled": True}
    assert options["disclaimer"] == {"text": ""}


def test_shortcuts_complete_their_groups(render):
    html = render("{% chatkit_widget 'public' startScreen=screen greeting='Hi' %}", screen={"prompts": []})
    assert read(html)["options"]["startScreen"] == {"prompts": [], "greeting": "Hi"}


def test_arguments_win_over_the_dict_of_options(render):
    html = render(
        "{% chatkit_widget 'public' options=options theme='light' %}",
        options={"theme": "dark", "locale": "fr"},
    )
    options = read(html)["options"]
    assert (options["theme"], options["locale"]) == ("light", "fr")


@pytest.mark.parametrize("missing", ["nothing", "request.GET.thread"])
def test_a_thread_that_is_not_there_is_a_new_one(render, missing):
    html = render(f"{{% chatkit_widget 'public' initialThread={missing} %}}")
    assert read(html)["options"]["initialThread"] is None


@pytest.mark.parametrize(
    ("height", "attribute"),
    [
        ("600", ' data-height="600px"'),
        (600.5, ' data-height="600.5px"'),
        ("40rem", ' data-height="40rem"'),
        (".5em", ' data-height=".5em"'),
        ("calc(100vh - 5rem)", ' data-height="calc(100vh - 5rem)"'),
        ('min(1px, "<b>")', ' data-height="min(1px, &quot;&lt;b&gt;&quot;)"'),
    ],
)
def test_height(render, height, attribute):
    assert attribute in render("{% chatkit_widget 'public' height=height %}", height=height)


def test_height_as_a_number(render):
    assert ' data-height="600px"' in render("{% chatkit_widget 'public' height=600 %}")


@pytest.mark.parametrize("height", ["", "height='' ", "height=None ", "height=nothing "])
def test_no_height(render, height):
    assert "data-height" not in render(f"{{% chatkit_widget 'public' {height}%}}")


def test_ids_of_several_chats_differ(render):
    html = render(
        "{% chatkit_widget 'public' %}{% chatkit_widget 'public' %}{% chatkit_widget 'public' id='mine' %}"
    )
    assert 'id="chatkit-public"' in html
    assert 'id="chatkit-public-2"' in html
    assert 'id="mine"' in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "start_screen=1",
            '{% chatkit_widget %}: there is no argument "start_screen", did you mean "startScreen"?',
        ),
        ("themes=1", '{% chatkit_widget %}: there is no argument "themes", did you mean "theme"?'),
        ("heigth=1", '{% chatkit_widget %}: there is no argument "heigth", did you mean "height"?'),
        (
            "height='40 rem'",
            "{% chatkit_widget %}: height must be a number or a length of CSS, "
            'such as "40rem", not "40 rem".',
        ),
        ("options='{}'", '{% chatkit_widget %}: options must be a dict, not "{}".'),
        ("xyz=1", '{% chatkit_widget %}: there is no argument "xyz".'),
        ("mode='popup'", '{% chatkit_widget %}: mode must be "inline" or "floating", not "popup".'),
    ],
)
def test_wrong_arguments(render, arguments, message):
    with pytest.raises(TemplateSyntaxError) as caught:
        render(f"{{% chatkit_widget 'public' {arguments} %}}")
    assert str(caught.value) == message


def test_an_unknown_server(render):
    with pytest.raises(UnknownServer, match="There is no chat server 'sails' in CHATKIT_SERVERS; known: "):
        render("{% chatkit_widget 'sails' %}")


@pytest.mark.parametrize("context", [{}, {"request": None}])
def test_without_a_request(context):
    with pytest.raises(ImproperlyConfigured, match="context_processors in TEMPLATES"):
        Template("{% load chatkit %}{% chatkit_widget %}").render(Context(context))
