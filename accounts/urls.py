from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.home, name="home"),
    path("close/", views.close, name="close"),
    # Without a number: the business that somebody joined first.
    path("business/", views.business, name="business"),
    path("business/<uuid:public_id>/", views.business, name="business"),
    path("members/", views.members, name="members"),
    path("members/<uuid:public_id>/", views.members, name="members"),
    path("members/<uuid:public_id>/invite/", views.invite, name="invite"),
    path("member/<uuid:public_id>/role/", views.change_role, name="change_role"),
    path("member/<uuid:public_id>/remove/", views.remove_member, name="remove_member"),
    path("invitations/<uuid:public_id>/withdraw/", views.withdraw, name="withdraw"),
    path("invitations/<str:token>/", views.accept_invitation, name="accept_invitation"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<uuid:public_id>/revoke/", views.revoke_token, name="revoke_token"),
]
