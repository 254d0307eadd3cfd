"""Where staff read, search and tidy threads.

Items are not registered: they are read within their thread. Files, feedback and confirmations are lists,
and written by nobody but the chat itself; deleting a thread or a user asks for no permission on them.
"""

from django.contrib import admin

from django_chatkit.models import Attachment, Confirmation, Feedback, Thread

from .attachment import AttachmentAdmin
from .confirmation import ConfirmationAdmin
from .feedback import FeedbackAdmin
from .thread import ThreadAdmin

admin.site.register(Thread, ThreadAdmin)
admin.site.register(Attachment, AttachmentAdmin)
admin.site.register(Feedback, FeedbackAdmin)
admin.site.register(Confirmation, ConfirmationAdmin)

__all__ = ["AttachmentAdmin", "ConfirmationAdmin", "FeedbackAdmin", "ThreadAdmin"]
