"""The web server's entry point."""

import os

from django.core.wsgi import get_wsgi_application

from enrollment import mailbox

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")

# Before what takes seconds to load: a server gives up on a process that ends at once, and starts
# one that lived for some seconds again and again.
mailbox.refuse_eviction()

application = get_wsgi_application()
