"""Pages with a chat each, in several ways; the chat itself is one tag in a template."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from .models import Order, Product


def home(request: HttpRequest) -> HttpResponse:
    """What there is to try, and who can sign in."""
    return render(request, "shop/home.html")


def support(request: HttpRequest) -> HttpResponse:
    """A chat in the page, beside the orders that it can answer about.

    Signed out, the tag itself asks people to sign in: its server has no ``allow_anonymous``.
    """
    orders = Order.objects.filter(owner_id=request.user.pk).select_related("product")
    context = {"orders": orders, "newest": orders.newest_by_status()}
    return render(request, "shop/support.html", context)


def shop(request: HttpRequest) -> HttpResponse:
    """The shelf, with a chat that floats in the corner and is open to everyone."""
    products = Product.objects.all()
    facts = {"page": "the whole shelf", "products": len(products)}
    return render(request, "shop/shop.html", {"products": products, "facts": facts})


def product(request: HttpRequest, pk: int) -> HttpResponse:
    """One thing of the shelf. Its chat knows which: page_object in the template."""
    return render(request, "shop/product.html", {"product": get_object_or_404(Product, pk=pk)})


def two(request: HttpRequest) -> HttpResponse:
    """Two assistants on one page, each with its own conversations."""
    return render(request, "shop/two.html")
