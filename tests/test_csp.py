"""The policy that a page with a chat needs."""

import pytest

from django_chatkit.conf import conf
from django_chatkit.csp import CDN, CHATKIT_CSP, add_chatkit, chatkit_csp


def test_the_policy_allows_the_cdn_of_the_setting_and_nothing_inline():
    assert conf.CHATKIT_SCRIPT_URL.startswith(f"{CDN}/")
    assert chatkit_csp(conf.CHATKIT_SCRIPT_URL) == CHATKIT_CSP
    assert CHATKIT_CSP == {
        "script-src": ["'self'", CDN],
        "style-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": [CDN],
    }


@pytest.mark.parametrize(
    ("url", "scripts", "frames"),
    [
        (
            "https://chat.example:8443/a/b.js",
            ["'self'", "https://chat.example:8443"],
            ["https://chat.example:8443"],
        ),
        ("/static/standin.js", ["'self'"], ["'self'"]),
    ],
)
def test_another_script_has_another_origin(url, scripts, frames):
    policy = chatkit_csp(url)
    assert policy["script-src"] == scripts
    assert policy["frame-src"] == frames


def test_adding_to_a_policy_keeps_what_it_allows():
    policy = {
        "default-src": ["'self'", "https://img.example"],
        "script-src": ("'nonce'", "'self'"),
        "img-src": "*",
    }
    assert add_chatkit(policy) == {
        "default-src": ["'self'", "https://img.example"],
        "script-src": ["'nonce'", "'self'", CDN],
        "img-src": "*",
        "style-src": ["'self'", "https://img.example"],
        "connect-src": ["'self'", "https://img.example"],
        "frame-src": ["'self'", "https://img.example", CDN],
    }
    assert policy["script-src"] == ("'nonce'", "'self'")


@pytest.mark.parametrize("nothing", ["'none'", ["'none'"], {"'none'"}, None])
def test_none_gives_way(nothing):
    assert add_chatkit({"default-src": nothing})["frame-src"] == [CDN]


def test_a_nonce_of_django_csp_is_a_source_like_another():
    constants = pytest.importorskip("csp.constants")
    policy = add_chatkit({"script-src": [constants.NONCE]})
    assert policy["script-src"] == [constants.NONCE, "'self'", CDN]
    assert add_chatkit({"script-src": constants.NONCE})["script-src"] == [constants.NONCE, "'self'", CDN]
