"""What an ASGI server serves: ``daphne mysite.asgi:application``."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_asgi_application()

from django_chatkit.servers import servers  # noqa: E402  (it needs Django's apps)

servers.all()  # imports the AI stack now: otherwise the first visitor waits for it, some seconds
