"""Settings: defaults, and that a change counts at once."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_chatkit.checks.values import fits, setting_types
from django_chatkit.conf import Settings, conf
from django_chatkit.servers import servers

NAMES = sorted(setting_types())


def test_every_setting_is_prefixed_typed_and_explained():
    for name in NAMES:
        assert name.startswith("CHATKIT_")
        assert getattr(Settings, name).__doc__, name


@pytest.mark.parametrize("name", NAMES)
def test_default_is_of_the_declared_type(settings, name):
    if hasattr(settings, name):
        delattr(settings, name)
    assert fits(getattr(conf, name), setting_types()[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_change_counts_at_once(name):
    before = getattr(conf, name)
    value = object()
    with override_settings(**{name: value}):
        assert getattr(conf, name) is value
    assert getattr(conf, name) == before


def test_without_settings_the_demo_answers(settings):
    del settings.CHATKIT_SERVERS
    assert conf.CHATKIT_SERVERS == {"default": "django_chatkit.demo.DemoServer"}


def test_all_servers_are_made_in_their_order(settings):
    settings.CHATKIT_SERVERS = {"a": "tests.servers.EchoServer", "b": "tests.servers.SalesServer"}
    assert [(chat.alias, type(chat).__name__) for chat in servers.all()] == [
        ("a", "EchoServer"),
        ("b", "SalesServer"),
    ]
    assert servers.all()[0] is servers["a"]


def test_a_server_that_is_wrong_stops_a_process_that_makes_them_all(settings):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.EchoServer", "b": "tests.servers.Sails"}
    with pytest.raises(ImproperlyConfigured, match=r"cannot import 'tests[.]servers[.]Sails'"):
        servers.all()
