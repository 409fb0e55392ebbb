"""What students do, by the paths that seed 000 gives them."""

from django.urls import path

from .api import cart, courses, mine, requests

urlpatterns = [
    *(
        path(f"courses/<str:course_id>/{name}/", action.as_view(), name=name)
        for name, action in courses.ACTIONS.items()
    ),
    path("cart/", cart.Cart.as_view(), name="cart"),
    path("cart/<str:course_id>/", cart.CartItem.as_view(), name="cart-item"),
    path("enrollment/cart/enroll/", cart.CartEnroll.as_view(), name="cart-enroll"),
    path("requests/", requests.Requests.as_view(), name="requests"),
    path("requests/<int:request_id>/", requests.OneRequest.as_view(), name="request"),
    path("requests/<int:request_id>/cancel/", requests.Cancel.as_view(), name="cancel"),
    path("enrollments/", mine.Enrollments.as_view(), name="enrollments"),
    path("waitlist/", mine.Waitlist.as_view(), name="waitlist"),
    path("windows/", mine.Windows.as_view(), name="windows"),
]
