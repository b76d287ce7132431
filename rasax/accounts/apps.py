from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "rasax.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from rasax.accounts.roles import ensure_roles

        # Permissions are rows that Django makes after the migrations of each app; roles are made of permissions.
        post_migrate.connect(ensure_roles, dispatch_uid="rasax.accounts.ensure_roles")
