"""The addresses that the widget talks to."""

app_name = "django_chatkit"
urlpatterns = []
