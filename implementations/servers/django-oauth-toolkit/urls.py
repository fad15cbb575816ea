"""Where things are: the toolkit under o/ as in its tutorial, its metadata also at the root, as RFC 8414 wants it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from oauth2_provider.urls import metadata_urlpatterns

urlpatterns = [
    path("admin/", admin.site.urls),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    *metadata_urlpatterns,
]
