from django.urls import path

from rasax.annotation import bulk_pages, deciding, pages, teaching

urlpatterns = [
    path("inbox/", pages.inbox, name="inbox"),
    path("inbox/count/", pages.count, name="inbox_count"),
    path("inbox/total/", bulk_pages.total, name="inbox_total"),
    path("inbox/decide/", deciding.decide, name="inbox_decide"),
    path("inbox/undo/", deciding.undo, name="inbox_undo"),
    path("inbox/<int:inbox_pk>/", pages.message, name="inbox_message"),
    path("inbox/<int:inbox_pk>/annotate/", deciding.annotate, name="inbox_annotate"),
    path("inbox/story/<int:pk>/<int:event_pk>/", teaching.story, name="teach_story"),
]
