"""``manage.py demo_data``: products, customers and their orders. Running it again changes nothing."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from shop.models import Order, Product

# name, icon, description, price, stock
PRODUCTS = [
    ("Pour-over kettle", "kettle", "A slow, thin stream and a handle that stays cool.", "59.00", 12),
    ("Stoneware mug", "mug", "Holds 350 ml and fits both hands.", "18.50", 40),
    ("Hand grinder", "grinder", "Forty steps from espresso to French press.", "74.00", 5),
    ("House blend, 500 g", "bag", "Chocolate, hazelnut and a little orange.", "14.90", 80),
    ("Green tea, 100 g", "leaf", "Steamed, not roasted: fresh and grassy.", "11.20", 0),
    ("Glass dripper", "dripper", "Sits on a mug or a server, and takes paper filters.", "24.00", 9),
]

# username, is staff
PEOPLE = [("demo", False), ("demo2", False), ("admin", True)]

# number, owner, product, quantity, status, days ago
ORDERS = [
    (1001, "demo", "Pour-over kettle", 1, Order.Status.DELIVERED, 30),
    (1002, "demo", "Stoneware mug", 4, Order.Status.SHIPPED, 3),
    (1003, "demo", "House blend, 500 g", 2, Order.Status.PACKING, 0),
    (2001, "demo2", "Hand grinder", 1, Order.Status.SHIPPED, 2),
    (2002, "demo2", "Green tea, 100 g", 3, Order.Status.RETURNED, 12),
]


class Command(BaseCommand):
    help = "Fills the shop: products, orders, and the users demo, demo2 and admin (password: the name)."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        for name, icon, description, price, stock in PRODUCTS:
            defaults = {"icon": icon, "description": description, "price": price, "stock": stock}
            Product.objects.get_or_create(name=name, defaults=defaults)
        for username, is_staff in PEOPLE:
            create_person(username, is_staff)
        for number, owner, product, quantity, status, days in ORDERS:
            defaults = {
                "owner": get_user_model().objects.get(username=owner),
                "product": Product.objects.get(name=product),
                "quantity": quantity,
                "status": status,
                "ordered_on": timezone.localdate() - timedelta(days=days),
            }
            Order.objects.get_or_create(number=number, defaults=defaults)
        if options["verbosity"]:
            self.stdout.write(
                "The shop is filled. Sign in as demo, demo2 or admin: the password is the name."
            )


def create_person(username: str, is_staff: bool) -> None:
    person, created = User.objects.get_or_create(
        username=username, defaults={"is_staff": is_staff, "is_superuser": is_staff}
    )
    if created:
        person.set_password(username)
        person.save()
