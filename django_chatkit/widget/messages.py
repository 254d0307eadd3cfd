"""What people read when something is wrong: why, and what to do."""

from __future__ import annotations

from django.utils.translation import gettext as _


def get_messages() -> dict[str, str]:
    """What people read when something is wrong: why, and what to do."""
    return {
        "script": _("The chat could not be loaded. Check your connection and reload the page."),
        "blocked": _("The chat is blocked on this page. Please tell the people who run this site."),
        "options": _("The chat is not set up correctly. Please tell the people who run this site."),
        "domain": _("The chat does not work on this address. Please tell the people who run this site."),
        "silent": _("The chat does not answer. Check your connection and reload the page."),
        "network": _("The message could not be sent. Check your connection and try again."),
        "signed_out": _("You are signed out. Reload the page and sign in again."),
        "forbidden": _("This was refused. Reload the page and try again."),
        "too_large": _("This is too large to send."),
        "too_many": _("Too many messages at once. Wait a moment and try again."),
        "unavailable": _("The chat is not available at the moment. Try again later."),
    }


def get_hints() -> dict[str, str]:
    """What developers and staff read as well."""
    return {
        "script": _(
            "ChatKit's script did not define its element: the CDN is blocked or offline, or "
            "CHATKIT_SCRIPT_URL is wrong. It must be a classic script, not a module."
        ),
        "blocked": _(
            "The Content Security Policy of this page forbids it. "
            "Merge django_chatkit.csp.CHATKIT_CSP into it."
        ),
        "options": _("ChatKit refused the options. A listener for chatkit:options may have changed them."),
        "domain": _(
            "OpenAI did not verify this domain. Add it to the domain allowlist on platform.openai.com "
            "and put its key into CHATKIT_DOMAIN_KEY."
        ),
        "silent": _(
            "The options were set, but nothing came from ChatKit's frame: it may be blocked by an extension, "
            "a proxy, a policy (frame-src, Cross-Origin-Embedder-Policy), or the CDN may be down."
        ),
    }
