"""The back office's addresses. Importing them registers every model there."""

from django.contrib import admin

admin.autodiscover()

urlpatterns = admin.site.get_urls()
