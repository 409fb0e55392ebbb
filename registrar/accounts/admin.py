"""People who may sign in, and the roles they have."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from knox import admin as knox
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from registrar.admin import KeptAdmin, ReadOnlyAdmin, WatchedAdmin

from .models import User

admin.site.unregister(Group)
# A token is shown once, to its owner: knox's page, which makes them for others, is taken down.
admin.site.unregister(knox.models.AuthToken)


@admin.register(User)
class UserAdmin(WatchedAdmin, DjangoUserAdmin, KeptAdmin):  # type: ignore[type-arg]
    """Roles are given here; what a role may do is a table in `permissions`."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "roles", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all())) or "none"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a superuser may change a superuser: nobody raises themselves."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """The roles: they are made by a migration, because the code knows them by name."""

    list_display = ("name", "people")
    fields = ("name", "people")
    readonly_fields = fields

    @admin.display(description="people")
    def people(self, group: Group) -> int:
        return group.user_set.count()
