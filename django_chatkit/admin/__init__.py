"""Where staff read, search and tidy threads.

Items and feedback are not registered: they are read within their thread and written by nobody but the
chat itself, and deleting a thread or a user then asks for no permission on each kind of row below it.
"""

from django.contrib import admin

from django_chatkit.models import Thread

from .thread import ThreadAdmin

admin.site.register(Thread, ThreadAdmin)

__all__ = ["ThreadAdmin"]
