"""Conversations and their items.

``pk`` is the order of insertion and the only order there is; ``thread_id`` and ``item_id`` are the
ids that travel on the wire. A foreign key to a thread holds its ``thread_id``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from .owned import Owned, OwnedQuerySet, owned_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_chatkit.context import ChatKitContext
    from django_chatkit.events import Level


POSTED = "post_"
"""How the ids of items begin that the site posted, at any time, in between."""
ASIDE = f"{POSTED}aside_"
"""How the ids of items begin that are about an answer: the question why it was bad, and the thanks."""


def is_aside(item_id: str) -> bool:
    """Is this item about an answer, and no part of one? The model does not read it, and nobody rates it."""
    return item_id.startswith(ASIDE)


def posting() -> Any:
    """The module that knows the SDK's types: half a second to import, and not needed to start Django."""
    return import_module("django_chatkit.posting")


class ThreadQuerySet(OwnedQuerySet["Thread"]):
    """Threads, of which a person sees their own."""

    def take(self) -> int:
        """Lock these rows until the transaction ends; how many they are.

        Whoever writes or deletes a thread's items takes it first: so they take turns, and nothing is
        added to a thread that is being deleted. An UPDATE, because SQLite has no other lock.
        """
        return self.update(updated_at=models.F("updated_at"))

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self._db or router.db_for_write(self.model)):  # type: ignore[attr-defined]
            self.take()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def create_for(self, user: Any, server: str = "default", title: str = "", tenant: str = "") -> Thread:
        """Begin a conversation with a user, from a task or a signal. Raises UnknownServer."""
        thread: Thread = posting().create_thread(user, server, title, tenant)
        return thread

    async def acreate_for(
        self, user: Any, server: str = "default", title: str = "", tenant: str = ""
    ) -> Thread:
        return await sync_to_async(self.create_for)(user, server, title, tenant)


class Thread(Owned):
    """A conversation of one person with one server."""

    class Status(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("thread", "active")
        LOCKED = "locked", _("locked")
        CLOSED = "closed", _("closed")

    thread_id = models.CharField(_("thread id"), max_length=255, unique=True)
    title = models.CharField(_("title"), max_length=1000, blank=True, default="")
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.TextField(_("reason of the status"), blank=True, default="")
    allowed_image_domains = models.JSONField(_("allowed image domains"), null=True, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    notices = models.JSONField(_("notices"), default=list, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("last activity"), default=timezone.now)

    objects = ThreadQuerySet.as_manager()

    class Meta(Owned.Meta):
        abstract = False
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        ordering = ["-pk"]
        indexes = [*Owned.Meta.indexes, models.Index(fields=["updated_at"], name="chatkit_thread_updated")]

    def __str__(self) -> str:
        return self.title or self.thread_id

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=kwargs.get("using") or router.db_for_write(Thread, instance=self)):
            Thread.objects.filter(pk=self.pk).take()
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    # Posting from outside a request: see posting.py. The page shows it when it is loaded again.

    def post_assistant_message(
        self, text: str, *, annotations: Sequence[Any] = (), key: str = ""
    ) -> ThreadItem:
        """Let the assistant say something. Posting a ``key`` again replaces what it posted before."""
        return self._post("assistant_message", key, text=text, annotations=annotations)

    def post_widget(self, widget: Any, *, copy_text: str = "", key: str = "") -> ThreadItem:
        """Show a widget: one of ``chatkit.widgets``, or its JSON as a dict."""
        return self._post("widget", key, widget=widget, copy_text=copy_text)

    def post_hidden_context(self, content: Any, *, key: str = "") -> ThreadItem:
        """Let the model know something from now on: text or JSON that the browser never gets."""
        return self._post("hidden_context", key, content=content)

    def post_notice(self, message: str, level: Level = "info", title: str = "") -> None:
        """Show a notice above the composer, once, when the next answer begins."""
        posting().post_notice(self, message, level, title)

    async def apost_notice(self, message: str, level: Level = "info", title: str = "") -> None:
        await sync_to_async(self.post_notice)(message, level, title)

    async def apost_assistant_message(
        self, text: str, *, annotations: Sequence[Any] = (), key: str = ""
    ) -> ThreadItem:
        return await sync_to_async(self.post_assistant_message)(text, annotations=annotations, key=key)

    async def apost_widget(self, widget: Any, *, copy_text: str = "", key: str = "") -> ThreadItem:
        return await sync_to_async(self.post_widget)(widget, copy_text=copy_text, key=key)

    async def apost_hidden_context(self, content: Any, *, key: str = "") -> ThreadItem:
        return await sync_to_async(self.post_hidden_context)(content, key=key)

    def _post(self, kind: str, key: str, **content: Any) -> ThreadItem:
        item: ThreadItem = posting().post(self, kind, key, **content)
        return item


class ThreadItemQuerySet(models.QuerySet["ThreadItem"]):
    def owned_by(self, context: ChatKitContext) -> ThreadItemQuerySet:
        """Only items in the threads of the person behind this context."""
        condition = owned_by(context, "thread__")
        return self.none() if condition is None else self.filter(condition)

    def shown(self) -> ThreadItemQuerySet:
        """What the person sees: all but hidden context."""
        return self.exclude(type__in=ThreadItem.HIDDEN_TYPES)

    def said(self) -> ThreadItemQuerySet:
        """What is part of the talk: neither hidden, nor posted by the site in between."""
        return self.shown().exclude(item_id__startswith=POSTED)


class ThreadItem(models.Model):
    """One entry of a thread: a message, widget, tool call, task … as the SDK wrote it."""

    class Type(models.TextChoices):
        USER_MESSAGE = "user_message", _("user message")
        ASSISTANT_MESSAGE = "assistant_message", _("assistant message")
        CLIENT_TOOL_CALL = "client_tool_call", _("client tool call")
        WIDGET = "widget", _("widget")
        GENERATED_IMAGE = "generated_image", _("generated image")
        STRUCTURED_INPUT = "structured_input", _("structured input")
        WORKFLOW = "workflow", _("workflow")
        TASK = "task", _("task")
        HIDDEN_CONTEXT_ITEM = "hidden_context_item", _("hidden context")
        SDK_HIDDEN_CONTEXT = "sdk_hidden_context", _("hidden context of the SDK")
        END_OF_TURN = "end_of_turn", _("end of turn")

    HIDDEN_TYPES = (Type.HIDDEN_CONTEXT_ITEM, Type.SDK_HIDDEN_CONTEXT)
    """What the model reads, and the browser never gets."""
    ANSWERABLE_TYPES = (Type.CLIENT_TOOL_CALL, Type.STRUCTURED_INPUT)
    """What waits for the page or the person."""

    thread = models.ForeignKey(
        Thread,
        to_field="thread_id",
        on_delete=models.CASCADE,
        related_name="items",
        verbose_name=_("thread"),
    )
    item_id = models.CharField(_("item id"), max_length=255)
    type = models.CharField(_("type"), max_length=32, choices=Type.choices)
    # Text and not a JSONField: the SDK's own JSON comes back to the letter, without a second
    # parser in between, and PostgreSQL's jsonb refuses values that a model may well send.
    data = models.TextField(_("data"), help_text=_("JSON, as the ChatKit SDK writes it."))
    text = models.TextField(_("text"), blank=True, default="", help_text=_("What a search looks at."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = ThreadItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["pk"]
        indexes = [models.Index(fields=["thread", "id"], name="chatkit_item_order")]
        constraints = [
            models.UniqueConstraint(fields=["thread", "item_id"], name="chatkit_item_unique_in_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.item_id}"
