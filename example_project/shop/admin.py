from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from .models import Order, Product
from .shipping import ship


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "stock"]
    search_fields = ["name", "description"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "owner", "product", "quantity", "status", "ordered_on"]
    list_filter = ["status"]
    search_fields = ["number", "owner__username", "product__name"]
    actions = ["ship_selected"]

    @admin.action(description="Ship selected orders, and tell the customers", permissions=["change"])
    def ship_selected(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        shipped = sum(ship(order) for order in orders.select_related("owner", "product"))
        self.message_user(request, f"{shipped} shipped.")
