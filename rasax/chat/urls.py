from django.urls import path

from rasax.chat import guest_pages, learning_pages, pages, sharing_pages

urlpatterns = [
    path("chat/", pages.chats, name="chats"),
    path("chat/stories/", learning_pages.stories, name="learned_stories"),
    path("chat/stories/<int:story_pk>.yml", learning_pages.story_yaml, name="learned_story"),
    path("chat/stories/<int:story_pk>/teach/", learning_pages.teach, name="teach_learned"),
    path("chat/stories/<int:story_pk>/delete/", learning_pages.discard, name="discard_story"),
    path("chat/guests/", sharing_pages.guest_links, name="guest_links"),
    path("chat/guests/<int:link_pk>/revoke/", sharing_pages.revoke, name="revoke_guest_link"),
    path("chat/from/<int:pk>/<int:event_pk>/", pages.carry_on, name="carry_on"),
    path("chat/<int:chat_pk>/", pages.chat, name="chat"),
    path("chat/<int:chat_pk>/notice/", pages.notice, name="chat_notice"),
    path("chat/<int:chat_pk>/rail/", pages.rail, name="chat_rail"),
    path("chat/<int:chat_pk>/say/", pages.say, name="say"),
    path("chat/<int:chat_pk>/act/", pages.act, name="chat_act"),
    path("chat/<int:chat_pk>/at/<int:event_pk>/", pages.at, name="chat_at"),
    path("chat/<int:chat_pk>/at/<int:event_pk>/<str:kind>.yml", pages.story, name="chat_story"),
    path("chat/<int:chat_pk>/events/<int:event_pk>.json", pages.raw, name="chat_event"),
    path("chat/<int:chat_pk>/events/<int:event_pk>/image/", pages.image, name="chat_image"),
    path("chat/<int:chat_pk>/learn/", learning_pages.learn, name="learn"),
    path("chat/<int:chat_pk>/learn/intent/", learning_pages.correct, name="learn_intent"),
    path("chat/<int:chat_pk>/learn/action/", learning_pages.execute, name="learn_action"),
    path("chat/<int:chat_pk>/save/", learning_pages.save, name="save_story"),
    path("guest/", guest_pages.nowhere, name="guest_path"),
    path("guest/<str:secret>/", guest_pages.guest, name="guest"),
    path("guest/<str:secret>/begin/", guest_pages.begin, name="guest_begin"),
    path("guest/<str:secret>/say/", guest_pages.say, name="guest_say"),
]
