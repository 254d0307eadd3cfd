from django.urls import path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("support/", views.support, name="support"),
    path("shop/", views.shop, name="shop"),
    path("shop/<int:pk>/", views.product, name="product"),
    path("two/", views.two, name="two"),
]
