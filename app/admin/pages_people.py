"""People: who has an account, what it is used for, and what may be changed about it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.accounts import service
from app.accounts.models import User
from app.accounts.states import Role
from app.admin import lists, queries
from app.admin.filtered import filtered_page
from app.admin.forms import ROLE_WORDS, ConfirmForm, PeopleFilters, RoleForm
from app.core.access import Who, access, viewer
from app.core.errors import Conflict


def add_to(blueprint: Blueprint) -> None:
    """Put these pages into the package's blueprint."""
    blueprint.get("/admin/users")(users)
    blueprint.get("/admin/users/<int:user_id>")(user)
    blueprint.post("/admin/users/<int:user_id>/role")(change_role)
    blueprint.get("/admin/users/<int:user_id>/suspend")(ask_suspend)
    blueprint.post("/admin/users/<int:user_id>/suspend")(suspend)
    blueprint.post("/admin/users/<int:user_id>/activate")(activate)


@access(Who.ADMIN)
def users() -> ResponseReturnValue:
    """Everybody who has an account, filtered as the address says."""
    return filtered_page(
        "admin/users.html",
        PeopleFilters(request.args),
        lists.users,
        beside=lambda _page: {"roles": dict(ROLE_WORDS)},
    )


@access(Who.ADMIN)
def user(user_id: int) -> str:
    """An account: its facts, what it was used for, what was done to it and by it."""
    person = queries.person_row(user_id)
    return _page(person, RoleForm(data={"role": person.role.value}))


def _page(person: User, form: RoleForm) -> str:
    changes = queries.changes_of_person(person.id)
    deeds = queries.person_deeds(person.id)
    return render_template(
        "admin/user.html",
        person=person,
        numbers=queries.person_numbers(person.id),
        changes=changes,
        deeds=deeds,
        names=accounts.names(each.user_id for each in changes if each.user_id),
        roles=dict(ROLE_WORDS),
        form=form,
        oneself=person.id == viewer().id,
    )


@access(Who.ADMIN)
def change_role(user_id: int) -> ResponseReturnValue:
    """Give somebody another role."""
    person = queries.person_row(user_id)
    form = RoleForm()
    if not form.validate_on_submit():
        return _page(person, form), 422
    role = Role(form.role.data)
    _change(user_id, f"{person.name} is now: {dict(ROLE_WORDS)[role].lower()}.", role=role)
    return redirect(url_for("admin.user", user_id=user_id), code=303)


@access(Who.ADMIN)
def ask_suspend(user_id: int) -> str:
    """Say what a suspension does, and ask."""
    return render_template(
        "admin/suspend.html",
        person=queries.person_row(user_id),
        form=ConfirmForm(),
        oneself=user_id == viewer().id,
    )


@access(Who.ADMIN)
def suspend(user_id: int) -> ResponseReturnValue:
    """Suspend an account."""
    person = queries.person_row(user_id)
    form = ConfirmForm()
    if not (form.validate_on_submit() and form.sure.data):
        form.sure.errors = ["Tick the box to suspend the account."]
        html = render_template(
            "admin/suspend.html", person=person, form=form, oneself=user_id == viewer().id
        )
        return html, 422
    _change(user_id, f"{person.name} is suspended.", active=False)
    return redirect(url_for("admin.user", user_id=user_id), code=303)


@access(Who.ADMIN)
def activate(user_id: int) -> ResponseReturnValue:
    """Let a suspended account in again."""
    person = queries.person_row(user_id)
    _change(user_id, f"{person.name} may use the product again.", active=True)
    return redirect(url_for("admin.user", user_id=user_id), code=303)


def _change(
    user_id: int, said: str, *, role: Role | None = None, active: bool | None = None
) -> None:
    try:
        service.change_user(viewer().id, user_id, role=role, active=active)
    except Conflict as refused:
        flash(refused.detail, "error")
    else:
        flash(said, "success")
