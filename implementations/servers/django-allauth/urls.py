"""Where things are, as allauth's installation guides have it: accounts under accounts/, the provider at the root."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("allauth.idp.urls")),
]
