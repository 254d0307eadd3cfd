"""Other servers, and other models, for the length of a test: as context managers or decorators."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from unittest import mock

from django.test.utils import TestContextDecorator, override_settings

from django_chatkit.conf import conf
from django_chatkit.servers import servers

if TYPE_CHECKING:
    from django_chatkit.context import ChatKitContext
    from django_chatkit.server import DjangoChatKitServer

M = TypeVar("M", bound=Any)


class override_servers(TestContextDecorator):
    """Put server classes in place of aliases, or beside them, wherever the classes come from::

    with override_servers(default=EchoServer):
        reply = await chat.send("hello")
    """

    def __init__(self, **classes: type[DjangoChatKitServer]) -> None:
        super().__init__()
        self.classes = classes

    def enable(self) -> None:
        before = servers.made()
        paths = {alias: f"{kind.__module__}.{kind.__qualname__}" for alias, kind in self.classes.items()}
        self.stack = ExitStack()
        self.stack.callback(servers.restore, before)
        self.stack.enter_context(override_settings(CHATKIT_SERVERS={**conf.CHATKIT_SERVERS, **paths}))
        # Made here and not by their paths: a class inside of a test has none that can be imported.
        servers.restore({**before, **{alias: kind(alias=alias) for alias, kind in self.classes.items()}})

    def disable(self) -> None:
        self.stack.close()


class override_model(TestContextDecorator, Generic[M]):
    """Have a model answer, whatever agent the server runs and whichever agents that hands over to::

    with override_model(ScriptedModel("Hello.")) as model:
        reply = await chat.send("hi")
    assert model.requests[0].messages == [("user", "hi")]

    New threads are named by their first words: a title agent would take its part of the script.
    """

    def __init__(self, model: M, server: str = "default") -> None:
        super().__init__()
        self.model = model
        self.server = server

    def enable(self) -> M:
        server: Any = servers[self.server]
        if not hasattr(server, "get_run_config"):
            raise TypeError(
                f"The server {self.server!r} has no model: {type(server).__name__} runs no agent. "
                'Give another: scripted_model(…, server="support")'
            )
        get_run_config = server.get_run_config

        def with_model(context: ChatKitContext) -> Any:
            return replace(get_run_config(context), model=self.model)

        self.stack = ExitStack()
        if hasattr(self.model, "restart"):  # a decorated test may run several times
            self.model.restart()
            self.stack.callback(self.model.assert_not_exhausted)
        self.patch(server, "get_run_config", with_model)
        self.patch(server, "get_title_agent", lambda context: None)
        return self.model

    def __enter__(self) -> M:
        return self.enable()

    def patch(self, server: Any, name: str, hook: Any) -> None:
        self.stack.enter_context(mock.patch.object(server, name, hook))

    def disable(self) -> None:
        self.stack.close()
