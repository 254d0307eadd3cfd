"""What somebody does who has just installed the wheel: the settings, the tables, the tag on a page."""

import sys
from importlib.resources import files

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

urlpatterns = []


def main() -> None:
    package = files("django_chatkit")
    assert "site-packages" in str(package), package
    for folder in ["migrations", "static/django_chatkit", "templates/django_chatkit"]:
        assert any(package.joinpath(folder).iterdir()), f"{folder} is empty"
    assert package.joinpath("py.typed").is_file()
    settings.configure(
        SECRET_KEY="-",
        DEBUG=True,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="use_wheel",
        USE_TZ=True,
        STATIC_URL="static/",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django_chatkit",
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()
    urlpatterns.append(path("chatkit/", include("django_chatkit.urls")))
    call_command("check")
    call_command("migrate", verbosity=0)
    print(f"The wheel works on Django {django.__version__} and Python {sys.version.split()[0]}.", render())


def render() -> str:
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.template import engines
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user, request.session = User.objects.create_user("ann"), SessionStore()
    template = engines["django"].from_string("{% load chatkit %}{% chatkit_widget %}")
    html = template.render({}, request)
    assert "openai-chatkit" in html, html
    return "The tag renders."


if __name__ == "__main__":
    sys.modules["use_wheel"] = sys.modules["__main__"]
    main()
