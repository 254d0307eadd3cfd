"""What people can mention with ``@``: looked up anew, with their rights, each time it is used."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from django_chatkit.context import ChatKitContext
from django_chatkit.entities import ModelEntity

from .models import Order, Product


class OrderEntity(ModelEntity):
    """``@1002``: a customer's own orders, and nobody else's."""

    model = Order
    search_fields = ["number", "product__name"]
    facts = ["status", "quantity", "product", "ordered_on"]
    icon = "cube"

    def get_queryset(self, context: ChatKitContext) -> QuerySet[Order]:
        return Order.objects.of(context.user)

    def get_title(self, obj: Order) -> str:
        return f"Order {obj.number}"

    def get_preview(self, obj: Order, context: ChatKitContext) -> Any:
        text = f"{obj.quantity} × {obj.product}, {obj.get_status_display()}"
        return {"type": "Basic", "padding": 3, "children": [{"type": "Text", "value": text}]}

    def get_url(self, obj: Order, context: ChatKitContext) -> str:
        return f"{reverse('support')}#order-{obj.number}"


class ProductEntity(ModelEntity):
    """``@mug``: what is on the shelf, for everyone."""

    model = Product
    search_fields = ["name", "description"]
    facts = ["description", "price", "stock"]
    icon = "suitcase"

    def get_queryset(self, context: ChatKitContext) -> QuerySet[Product]:
        return Product.objects.all()

    def get_url(self, obj: Product, context: ChatKitContext) -> str:
        return reverse("product", args=[obj.pk])
