"""What the shop sells, and what its customers have ordered."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone


class Product(models.Model):
    """Something on the shelf."""

    name = models.CharField(max_length=80, unique=True)
    icon = models.SlugField(default="bag", help_text="The name of a symbol in shop/icons.svg.")
    description = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class OrderQuerySet(models.QuerySet["Order"]):
    def of(self, person: AbstractBaseUser | None) -> OrderQuerySet:
        """A customer's own; of nobody there are none."""
        return self.filter(owner=person).select_related("product") if person else self.none()

    def newest_by_status(self) -> dict[str, Order]:
        return {order.status: order for order in reversed(list(self))}


class Order(models.Model):
    """One customer's order of one product."""

    class Status(models.TextChoices):
        PACKING = "packing", "being packed"
        SHIPPED = "shipped", "on its way"
        DELIVERED = "delivered", "delivered"
        RETURNED = "returned", "on its way back to us"
        CANCELLED = "cancelled", "cancelled"

    number = models.PositiveIntegerField(unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status, default=Status.PACKING)
    ordered_on = models.DateField(default=timezone.localdate)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Order {self.number}: {self.quantity} × {self.product}, {self.get_status_display()}"
