"""``{% chatkit_widget %}``: a chat on the page."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, TemplateSyntaxError
from django.utils.safestring import SafeString

from django_chatkit.widget import InvalidArgument, render_widget

register = template.Library()


@register.simple_tag(takes_context=True)
def chatkit_widget(context: Context, server: str = "default", **arguments: Any) -> SafeString:
    """The chat of a server of ``CHATKIT_SERVERS``.

    Arguments are ``mode``, ``height``, ``id``, ``options``, ``greeting``, ``placeholder``, and every
    option of ChatKit.js under its own name; and ``page_object`` and ``page_context``, which tell the
    assistant what the person looks at.
    """
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured(
            "{% chatkit_widget %} must know who is looking, and there is no request in the template's "
            'context: render the template with one, and add "django.template.context_processors.request" '
            "to the context_processors in TEMPLATES."
        )
    try:
        return render_widget(request, server, nonce=context.get("csp_nonce"), **arguments)
    except InvalidArgument as error:
        raise TemplateSyntaxError(f"{{% chatkit_widget %}}: {error}") from error
