import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rasax.settings")
application = get_wsgi_application()

from rasax.migrating import readiness  # noqa: E402 - needs the app registry

readiness.begin()
