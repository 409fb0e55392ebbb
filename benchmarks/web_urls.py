"""What the intake is held against, on the same server with the same middleware and login.

They come first, so that it is our endpoint which pays for the longer list.
"""

from django.urls import path

from benchmarks.web_peers import InsertByOrm, Nothing, Textbook
from registrar.urls import handler400, handler403, handler404, handler500
from registrar.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("api/bench/nothing/<str:course_id>/", Nothing.as_view()),
    path("api/bench/orm/<str:course_id>/", InsertByOrm.as_view()),
    path("api/bench/textbook/<str:course_id>/", Textbook.as_view()),
    *ours,
]
