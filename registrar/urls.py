"""Every path of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from . import health

# The description only changes with the code, and takes half a second to make.
_describe = cache_page(300)(SpectacularAPIView.as_view())

urlpatterns = [
    # First, because they are tried in this order and this is where the crowd goes.
    path("api/student/", include("enrollment.urls")),
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("api/", include("registrar.accounts.urls")),
    path("api/catalog/", include("courses.urls")),
    path("api/schema/", _describe, name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("admin/", admin.site.urls),
]

handler400 = "registrar.problems.bad_request"
handler403 = "registrar.problems.forbidden"
handler404 = "registrar.problems.not_found"
handler500 = "registrar.problems.server_error"
