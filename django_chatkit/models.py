"""Threads, their items and their files, as they lie in the database.

``pk`` is the order of insertion and the only order there is; ``thread_id`` and ``item_id`` are the
ids that travel on the wire. A foreign key to a thread holds its ``thread_id``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connections, models, router, transaction
from django.utils import timezone
from django.utils.functional import LazyObject, empty
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from .signals import feedback_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files import File
    from django.core.files.storage import Storage

    from .context import ChatKitContext


M = TypeVar("M", bound=models.Model)

STORAGE_ALIAS = "chatkit"


def owned_by(context: ChatKitContext, prefix: str = "") -> models.Q | None:
    """The condition for rows of this person, server and tenant; None for somebody without an identity."""
    if context.user is not None:
        owner: dict[str, object] = {"user": context.user.pk}
    elif context.visitor:
        owner = {"visitor": context.visitor}
        if not context.streaming:  # an answer under way goes on when its visitor signs in
            owner["user__isnull"] = True
    else:
        return None
    scope = {"server": context.server, "tenant": context.tenant, **owner}
    return models.Q(**{prefix + name: value for name, value in scope.items()})


def posting() -> Any:
    """The module that knows the SDK's types: half a second to import, and not needed to start Django."""
    return import_module("django_chatkit.posting")


class OwnedQuerySet(models.QuerySet[M]):
    def owned_by(self, context: ChatKitContext) -> Self:
        """Only what belongs to the person behind this context."""
        condition = owned_by(context)
        return self.none() if condition is None else self.filter(condition)


class ThreadQuerySet(OwnedQuerySet["Thread"]):
    """Threads, of which a person sees their own."""

    def create_for(self, user: Any, server: str = "default", title: str = "", tenant: str = "") -> Thread:
        """Begin a conversation with a user, from a task or a signal. Raises UnknownServer."""
        thread: Thread = posting().create_thread(user, server, title, tenant)
        return thread

    async def acreate_for(
        self, user: Any, server: str = "default", title: str = "", tenant: str = ""
    ) -> Thread:
        return await sync_to_async(self.create_for)(user, server, title, tenant)


class Owned(models.Model):
    """What belongs to one person, and to one server and tenant."""

    server = models.CharField(_("server"), max_length=64, default="default")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="chatkit_%(class)ss",
        verbose_name=_("user"),
    )
    visitor = models.CharField(_("visitor"), max_length=64, blank=True, default="")
    tenant = models.CharField(_("tenant"), max_length=255, blank=True, default="")

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["user", "server", "tenant", "id"], name="chatkit_%(class)s_user"),
            models.Index(fields=["visitor", "server", "tenant", "id"], name="chatkit_%(class)s_visitor"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(visitor=""),
                name="chatkit_%(class)s_has_owner",
            ),
        ]

    def give_to(self, context: ChatKitContext) -> None:
        """Make the person behind this context the owner of a new row."""
        self.server, self.tenant = context.server, context.tenant
        owner: Any = context.user  # whatever AUTH_USER_MODEL says
        self.user = owner
        self.visitor = "" if context.user is not None else context.visitor


class ThreadItemQuerySet(models.QuerySet["ThreadItem"]):
    def owned_by(self, context: ChatKitContext) -> ThreadItemQuerySet:
        """Only items in the threads of the person behind this context."""
        condition = owned_by(context, "thread__")
        return self.none() if condition is None else self.filter(condition)


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


class ConfirmationQuerySet(models.QuerySet["Confirmation"]):
    def owned_by(self, context: ChatKitContext) -> ConfirmationQuerySet:
        """Only those that the person behind this context was asked for."""
        condition = owned_by(context, "item__thread__")
        return self.none() if condition is None else self.filter(condition)


class Confirmation(models.Model):
    """A tool call that waits for a person's yes. What is recorded here is what runs: once, or never."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("expired")

    item = models.OneToOneField(
        ThreadItem, on_delete=models.CASCADE, related_name="confirmation", verbose_name=_("question")
    )
    tool = models.CharField(_("tool"), max_length=255)
    arguments = models.TextField(_("arguments"), help_text=_("JSON, as the model wrote it."))
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.PENDING)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")

    def __str__(self) -> str:
        return f"{self.tool}: {self.Status(self.status).label}"

    def settle(self, status: Status) -> bool:
        """Leave the pending state. Of all requests that try, one gets True."""
        mine = type(self).objects.filter(pk=self.pk, status=self.Status.PENDING)
        settled = mine.update(status=status, answered_at=timezone.now()) == 1
        if settled:
            self.status = status
        return settled


def get_main(items: dict[int, str]) -> int | None:
    """Of the items of an answer, by type: its last message, or else its last item."""
    messages = [pk for pk, type_ in items.items() if type_ == ThreadItem.Type.ASSISTANT_MESSAGE]
    return max(messages or items, default=None)


class FeedbackManager(models.Manager["Feedback"]):
    def answers(self) -> models.QuerySet[Feedback]:
        """One row for each answer that was rated, to be counted."""
        return self.filter(is_main=True)

    def give(self, thread_id: str, item_ids: list[str], kind: str, context: ChatKitContext) -> None:
        """Rate items of an answer; rating again changes it. Other people's items are left alone."""
        items = ThreadItem.objects.owned_by(context).filter(thread_id=thread_id, item_id__in=item_ids)
        types = dict(items.order_by("pk").values_list("pk", "type"))
        main = get_main(types)
        now = timezone.now()
        rows = [Feedback(item_id=pk, kind=kind, is_main=pk == main, updated_at=now) for pk in types]
        features = connections[router.db_for_write(Feedback)].features
        # What was said of the old opinion is not said of the new one.
        self.filter(item__in=types).exclude(kind=kind).update(reason="")
        self.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["item"] if features.supports_update_conflicts_with_target else None,
            update_fields=["kind", "is_main", "updated_at"],
        )
        feedback_given.send(Feedback, thread_id=thread_id, item_ids=item_ids, kind=kind, context=context)


class Feedback(models.Model):
    """What the thread's owner thinks of an item: thumbs up or down."""

    class Kind(models.TextChoices):
        POSITIVE = "positive", _("positive")
        NEGATIVE = "negative", _("negative")

    item = models.OneToOneField(
        ThreadItem, on_delete=models.CASCADE, related_name="feedback", verbose_name=_("item")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    # A click rates all items of an answer, and the same click again does nothing new.
    is_main = models.BooleanField(
        _("counts"), default=True, help_text=_("Does this row stand for the whole answer?")
    )
    question = models.ForeignKey(
        ThreadItem,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="asked_about",
        verbose_name=_("question"),
    )
    reason = models.TextField(_("reason"), blank=True, default="")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed at"), default=timezone.now)

    objects = FeedbackManager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = pgettext_lazy("plural", "feedback")
        indexes = [models.Index(fields=["updated_at"], name="chatkit_feedback_updated")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item}"


def get_storage() -> Storage:
    """Where the bytes lie: the ``"chatkit"`` of ``STORAGES``, or else its ``"default"``."""
    return attachment_storage  # type: ignore[return-value]


class AttachmentStorage(LazyObject):  # type: ignore[type-arg]
    """Asks for the storage when it is first used, as Django's ``default_storage`` does."""

    def _setup(self) -> None:
        self._wrapped = storages[STORAGE_ALIAS if STORAGE_ALIAS in storages.backends else "default"]

    def reset(self) -> None:
        self._wrapped = empty  # type: ignore[assignment]


attachment_storage = AttachmentStorage()


def has_place_for_files() -> bool:
    """Is there one, other than the working directory?"""
    chosen = settings.MEDIA_ROOT or STORAGE_ALIAS in settings.STORAGES
    return bool(chosen) or not isinstance(attachment_storage, FileSystemStorage)


def storage_path(attachment: Attachment, filename: str) -> str:
    """A name of ours, without an ending: no web server takes such a file for a page."""
    return f"chatkit/{timezone.now():%Y/%m}/{attachment.attachment_id}"


class AttachmentQuerySet(OwnedQuerySet["Attachment"]):
    """Each change of state is one UPDATE that names the state before, so that of two only one wins."""

    def unsent(self) -> Self:
        """Uploads that no message has taken."""
        return self.filter(item__isnull=True)

    def claim(self, attachment_ids: list[str], context: ChatKitContext) -> bool:
        """Take uploads for one message: all of them, or none where one is not to be had (any more)."""
        with transaction.atomic(using=router.db_for_write(Attachment)):
            mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
            taken = mine.filter(state=Attachment.State.UPLOADED).update(state=Attachment.State.SENT)
            if taken != len(attachment_ids):
                transaction.set_rollback(True, using=router.db_for_write(Attachment))
        return taken == len(attachment_ids)

    def release(self, attachment_ids: list[str], context: ChatKitContext) -> None:
        """Give back what ``claim()`` took for a message that was never stored."""
        mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
        mine.unsent().filter(state=Attachment.State.SENT).update(state=Attachment.State.UPLOADED)

    def link(self, attachment_ids: list[str], item: ThreadItem, context: ChatKitContext) -> None:
        """Tie attachments to the item that shows them. One that is tied stays where it is."""
        mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
        stored = ThreadItem.objects.filter(thread_id=item.thread_id, item_id=item.item_id)
        mine.unsent().update(item=stored.values("pk")[:1], thread=item.thread_id, state=Attachment.State.SENT)

    def discard(self, *states: str) -> int:
        """Delete those of these rows that are in one of the states and in no message; how many they were."""
        with transaction.atomic(using=router.db_for_write(Attachment)):
            keys = list(self.values_list("pk", flat=True))
            found = Attachment.objects.unsent().filter(pk__in=keys, state__in=states)
            found.update(size=models.F("size"))  # locks them: a message that wants one now has to wait
            return found.delete()[1].get(Attachment._meta.label, 0)


class Attachment(Owned):
    """A file that a person sent, or a picture that a model made. Its bytes lie in a storage."""

    class State(models.TextChoices):
        PENDING = "pending", _("not uploaded")
        UPLOADED = "uploaded", _("not sent")
        SENT = "sent", _("sent")

    attachment_id = models.CharField(_("attachment id"), max_length=255, unique=True)
    thread = models.ForeignKey(
        Thread,
        to_field="thread_id",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("thread"),
    )
    thread_id: str | None
    item = models.ForeignKey(
        ThreadItem,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("item"),
    )
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.PENDING)
    name = models.CharField(_("name"), max_length=255)
    mime_type = models.CharField(_("type"), max_length=255)
    size = models.BigIntegerField(_("size"), help_text=_("In bytes."))
    file = models.FileField(
        _("file"), storage=get_storage, upload_to=storage_path, max_length=255, blank=True
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta(Owned.Meta):
        abstract = False
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            *Owned.Meta.indexes,
            models.Index(fields=["created_at"], name="chatkit_attachment_created"),
        ]

    def __str__(self) -> str:
        return self.name

    def open(self) -> File[bytes]:
        """The bytes, to be read. Raises FileNotFoundError where the storage has them no more."""
        return self.file.storage.open(self.file.name or "")

    def delete_bytes(self) -> None:
        """Raises what the storage raises."""
        if self.file.name:
            self.file.storage.delete(self.file.name)
