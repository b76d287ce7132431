from django.contrib.auth.views import LogoutView, PasswordChangeDoneView
from django.urls import path

from rasax.accounts import signing, views  # noqa: F401 - every process that signs people in reads this URLconf

urlpatterns = [
    path("", views.account, name="account"),
    path("home", views.home, name="home"),
    path("login", views.LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("password", views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done", PasswordChangeDoneView.as_view(), name="password_change_done"),
]
