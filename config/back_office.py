"""The back office's addresses. Importing them registers every model there."""

from importlib import import_module

from django.contrib import admin

admin.autodiscover()
# Of no app of ours: Django looks for no page of it.
import_module("config.task_admin")

urlpatterns = admin.site.get_urls()
