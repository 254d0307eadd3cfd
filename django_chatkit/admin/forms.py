"""What staff may change about a thread, without undoing what others change at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy as _

from django_chatkit.models import Thread

if TYPE_CHECKING:
    ThreadModelForm = forms.ModelForm[Thread]
else:
    ThreadModelForm = forms.ModelForm


class ThreadForm(ThreadModelForm):
    """Title and status. Only fields that differ from what the page showed count as changed.

    An answer that is being written may rename or lock its thread at any moment. Compared with the
    row as it is when the form comes back, an untouched field would look like an edit.
    """

    class Meta:
        model = Thread
        fields = ["title", "status", "status_reason"]
        widgets = {
            "title": forms.TextInput(attrs={"class": "vTextField", "dir": "auto"}),
            "status_reason": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 2, "dir": "auto"}),
        }
        help_texts = {
            "status": _("The owner can write into active threads only."),
            "status_reason": _("Shown to the owner in place of the message field."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        """Refuse a change to a field that somebody else has changed since the page was shown."""
        cleaned: dict[str, Any] = super().clean() or {}
        # The admin saves in a transaction: nobody can change the row between here and the update.
        current = Thread.objects.select_for_update().filter(pk=self.instance.pk).first()
        for name in self.changed_data:
            if current is None or self.changed_elsewhere(name, getattr(current, name)):
                message = _("This was changed meanwhile. Reload the page to see the new value.")
                self.add_error(name, forms.ValidationError(message, code="changed"))
        return cleaned

    def changed_elsewhere(self, name: str, current: str) -> bool:
        shown = self.data.get(self.add_initial_prefix(name))
        return shown is not None and one_line_end(shown) != one_line_end(current)

    def changes(self) -> dict[str, Any]:
        """The new values by column. An active thread keeps no reason for having been closed."""
        changes = {name: self.cleaned_data[name] for name in self.changed_data}
        if changes.get("status") == Thread.Status.ACTIVE:
            changes["status_reason"] = ""
        return changes


def one_line_end(text: str) -> str:
    """Browsers send every line end as CRLF."""
    return text.strip().replace("\r\n", "\n")


class ThreadActionForm(ActionForm):
    """The admin's list of actions with room for a reason."""

    status_reason = forms.CharField(
        label=_("Reason:"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": _("shown to the owner")}),
    )
