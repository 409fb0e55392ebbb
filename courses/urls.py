"""The catalogue's addresses."""

from django.urls import path

from .api import Offerings, OneOffering, Terms

urlpatterns = [
    path("terms/", Terms.as_view(), name="terms"),
    path("offerings/", Offerings.as_view(), name="offerings"),
    path("offerings/<int:offering_id>/", OneOffering.as_view(), name="offering"),
]
