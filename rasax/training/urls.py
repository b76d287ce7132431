from django.urls import path

from rasax.training import example_pages, feature_pages, file_pages, history_pages, intent_pages, warning_pages

urlpatterns = [
    path("", intent_pages.all_intents, name="data_intents"),
    path("intents/add/", intent_pages.add_intent, name="data_add_intent"),
    path("intents/rename/", intent_pages.rename_intent, name="data_rename_intent"),
    path("intents/remove/", intent_pages.remove_intent, name="data_remove_intent"),
    path("intent/", example_pages.intent, name="data_intent"),
    path("examples/add/", example_pages.add_examples, name="data_add_examples"),
    path("examples/change/", example_pages.change_examples, name="data_change_examples"),
    path("examples/<int:example_pk>/", example_pages.example, name="data_example"),
    path("repeated/", example_pages.repeated, name="data_repeated"),
    path("entities/", feature_pages.entities, name="data_entities"),
    path("entities/add/<str:kind>/", feature_pages.add_feature, name="data_add_feature"),
    path("entities/<int:block_pk>/", feature_pages.feature, name="data_feature"),
    path("entities/<int:block_pk>/remove/", feature_pages.remove_feature, name="data_remove_feature"),
    path("warnings/", warning_pages.all_warnings, name="data_warnings"),
    path("warnings/check/", warning_pages.check, name="data_check_stories"),
    path("files/", file_pages.files, name="data_files"),
    path("files/upload/", file_pages.upload, name="data_upload"),
    path("files/project.zip", file_pages.download_all, name="data_project"),
    path("files/<int:file_pk>.yml", file_pages.download, name="data_file"),
    path("files/import/<uuid:job_pk>/", file_pages.show_import, name="data_import"),
    path("files/import/<uuid:job_pk>/take/", file_pages.take_import, name="data_take_import"),
    path("files/import/<uuid:job_pk>/discard/", file_pages.discard_import, name="data_discard_import"),
    path("history/", history_pages.history, name="data_history"),
    path("history/<int:change_pk>/", history_pages.change, name="data_change"),
    path("history/<int:change_pk>/undo/", history_pages.undo, name="data_undo"),
]
