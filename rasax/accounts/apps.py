from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "rasax.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from rasax.accounts.roles import ensure_roles

        # Permissions are rows that Django makes after the migrations, app by app; roles are made of all of them.
        *_, last = apps.get_app_configs()
        post_migrate.connect(ensure_roles, sender=last, dispatch_uid="rasax.accounts.ensure_roles")
