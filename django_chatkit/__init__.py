"""An AI chat on a Django site: the OpenAI ChatKit component, server and store, the Django way.

1. Add ``"django_chatkit"`` to ``INSTALLED_APPS``.
2. Add ``path("chatkit/", include("django_chatkit.urls"))`` to your URLs, and run ``migrate``.
3. Put ``{% load chatkit %}{% chatkit_widget %}`` in a template.

The page now chats with an offline demo server. Then replace its brain, in one class::

    # shop/chat.py
    class SupportServer(AgentServer):
        agent = Agent(name="Support", instructions="…", tools=[order_status])

    # settings.py
    CHATKIT_SERVERS = {"default": "shop.chat.SupportServer"}
"""
