"""Where people sign in and out."""

from django.urls import path

from .api import Login, Logout, Session

urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("session/", Session.as_view(), name="session"),
    path("logout/", Logout.as_view(), name="logout"),
]
