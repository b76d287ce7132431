from django.urls import path

from rasax.accounts import people_pages, role_pages

urlpatterns = [
    path("people/", people_pages.all_people, name="people"),
    path("people/add/", people_pages.add_person, name="add_person"),
    path("people/<int:person_pk>/", people_pages.one_person, name="person"),
    path("people/<int:person_pk>/roles/", people_pages.change_roles, name="change_roles"),
    path("people/<int:person_pk>/deactivate/", people_pages.deactivate, name="deactivate"),
    path("people/<int:person_pk>/reactivate/", people_pages.reactivate, name="reactivate"),
    path("people/<int:person_pk>/password/", people_pages.reset_password, name="reset_password"),
    path("people/<int:person_pk>/sessions/end/", people_pages.end_sessions, name="end_sessions"),
    path("people/<int:person_pk>/tokens/revoke/", people_pages.revoke_tokens, name="revoke_tokens"),
    path("people/<int:person_pk>/second-factor/off/", people_pages.turn_off_second_factor, name="second_factor_off"),
    path("roles/", role_pages.all_roles, name="roles"),
    path("roles/add/", role_pages.add_role, name="add_role"),
    path("roles/<int:role_pk>/", role_pages.one_role, name="role"),
    path("roles/<int:role_pk>/rights/", role_pages.change_role, name="change_role"),
    path("roles/<int:role_pk>/rename/", role_pages.rename_role, name="rename_role"),
    path("roles/<int:role_pk>/delete/", role_pages.delete_role, name="delete_role"),
    path("invitations/", people_pages.invitations, name="invitations"),
    path("invitations/<int:invitation_pk>/revoke/", people_pages.revoke_invitation, name="revoke_invitation"),
]
