from django.contrib import admin

from .models import Order, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "stock"]
    search_fields = ["name", "description"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "owner", "product", "quantity", "status", "ordered_on"]
    list_filter = ["status"]
    search_fields = ["number", "owner__username", "product__name"]
