from allauth.socialaccount.providers.saml import views as saml
from django.contrib.auth.views import LogoutView, PasswordChangeDoneView
from django.urls import path

# Every process that signs people in reads this URLconf, and with it what listens to their signing in.
from rasax.accounts import own_pages, people_pages, signing, single_sign_on, views  # noqa: F401
from rasax.identity_providers import OIDC

oidc = {"provider_id": OIDC}

urlpatterns = [
    path("", views.account, name="account"),
    path("home", views.home, name="home"),
    path("login", views.LoginView.as_view(), name="login"),
    path("login/code", views.SecondFactorView.as_view(), name="second_factor_ask"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("password", views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done", PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("second-factor", own_pages.own_second_factor, name="own_second_factor"),
    path("second-factor/codes", own_pages.new_recovery_codes, name="new_recovery_codes"),
    path("second-factor/off", own_pages.turn_off_second_factor, name="turn_off_second_factor"),
    path("sessions", own_pages.own_sessions, name="own_sessions"),
    path("sessions/others/end", own_pages.end_other_sessions, name="end_other_sessions"),
    path("sessions/<int:session_pk>/end", own_pages.end_session, name="end_session"),
    path("tokens", own_pages.own_tokens, name="own_tokens"),
    path("tokens/<int:token_pk>/revoke", own_pages.revoke_token, name="revoke_token"),
    path("invitation/<str:secret>", people_pages.accept_invitation, name="accept_invitation"),
    # Of allauth's pages only these are open. Its own names, for it looks its addresses up by them.
    path("sso/oidc/login", single_sign_on.oidc_login, oidc, name="openid_connect_login"),
    path("sso/oidc/callback", single_sign_on.oidc_callback, oidc, name="openid_connect_callback"),
    path("sso/<str:organization_slug>/login", saml.login, name="saml_login"),
    path("sso/<str:organization_slug>/acs", saml.acs, name="saml_acs"),
    path("sso/<str:organization_slug>/finish", saml.finish_acs, name="saml_finish_acs"),
    path("sso/<str:organization_slug>/logout", saml.sls, name="saml_sls"),
    path("sso/<str:organization_slug>/metadata", saml.metadata, name="saml_metadata"),
]
