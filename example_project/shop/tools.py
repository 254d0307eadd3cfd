"""What the shop's assistants can do. A tool asks the context who is asking, and never takes a name."""

import asyncio
from typing import Any

from asgiref.sync import async_to_sync

from django_chatkit.agents import ToolContext, client_tool, function_tool, tool
from django_chatkit.questions import Choice, Text
from django_chatkit.widgets import render_widget

from .models import Order, Product
from .shipping import ship

from chatkit import types


@function_tool
def my_orders(ctx: ToolContext) -> str:
    """List the orders of the customer in this chat."""
    return (
        "".join(f"\n- {order}" for order in Order.objects.of(ctx.context.user)) or "There are no orders yet."
    )


@function_tool
def order_status(ctx: ToolContext, number: int) -> str:
    """Say where an order of the customer in this chat is.

    Args:
        number: The order's number, as in 1002.
    """
    order = Order.objects.of(ctx.context.user).filter(number=number).first()
    return f"{order}, ordered on {order.ordered_on}." if order else f"You have no order {number}."


@function_tool
def products(ctx: ToolContext) -> str:
    """List the shop's products with price and stock."""
    return "".join(f"\n- {p}: €{p.price}, {p.stock or 'none'} in stock" for p in Product.objects.all())


def order_widget(order: Order) -> Any:
    """templates/shop/order.widget, with the facts of an order."""
    facts = {
        "number": order.number,
        "status": order.get_status_display(),
        "what": f"{order.quantity} × {order.product}",
        "ordered_on": f"{order.ordered_on:%d %B}",
        "can_cancel": order.status == Order.Status.PACKING,
    }
    return render_widget("shop/order.widget", {"order": facts})


def order_changed(order: Order) -> dict[str, Any]:
    """The data of the page's ``order.changed`` effect: static/shop/tools.js shows them in the list."""
    return {"number": order.number, "status": order.status, "label": order.get_status_display()}


@tool
def order_card(ctx: ToolContext, number: int) -> str:
    """Show an order of the customer, with a button to cancel it while it is being packed.

    Args:
        number: The order's number, as in 1003.
    """
    order = Order.objects.of(ctx.context.user).filter(number=number).first()
    if order is None:
        return f"You have no order {number}."
    async_to_sync(ctx.context.show)(order_widget(order), copy_text=str(order))
    return f"here is order {number}."


@tool(confirm="Return order {number}?")
def return_order(ctx: ToolContext, number: int) -> str:
    """Let the customer return an order that was delivered. They are asked before it happens.

    Args:
        number: The order's number, as in 1001.
    """
    delivered = Order.objects.of(ctx.context.user).filter(number=number, status=Order.Status.DELIVERED)
    if not delivered.update(status=Order.Status.RETURNED):
        return f"you have no order {number} that could be returned."
    order = Order.objects.get(number=number)
    async_to_sync(ctx.context.effect)("order.changed", order_changed(order))
    return f"order {number} may come back; a label is in the mail."


@tool(permission="shop.change_order")
def ship_order(ctx: ToolContext, number: int) -> str:
    """Send any customer's order off. For staff: customers have no permission to change orders.

    Args:
        number: The order's number, as in 1003.
    """
    order = Order.objects.filter(number=number).select_related("owner", "product").first()
    if order is None or not ship(order):
        return f"there is no order {number} that could be shipped."
    return f"order {number} is on its way, and {order.owner} reads so in the chat."


@tool
async def delivery_terms(ctx: ToolContext) -> str:
    """Say how long a delivery takes."""
    await ctx.context.cite(
        types.URLSource(url="https://example.com/delivery", title="Delivery"),
        types.FileSource(filename="terms.pdf", title="Our terms, page 2"),
    )
    return "two days; five to the islands."


@tool
async def search_shelf(ctx: ToolContext) -> str:
    """Look what is missing on the shelf."""
    for place in ("upper", "lower"):
        await ctx.context.progress(f"Looking at the {place} shelf …", icon="search")
        await asyncio.sleep(0.8)  # long enough to be read
    missing = [product.name async for product in Product.objects.filter(stock=0)]
    if missing:
        await ctx.context.notify("More will come on Monday.", level="warning", title="Sold out")
    return f"sold out: {', '.join(missing) or 'nothing'}."


@tool
async def close_conversation(ctx: ToolContext) -> str:
    """Say goodbye: the customer has no more questions."""
    await ctx.context.close("Thank you, and goodbye.")
    return "goodbye!"


# The page's half of it is in static/shop/tools.js.
@client_tool
def read_page() -> None:
    """Read what the page shows beside the chat, as the customer sees it."""


@tool
async def gift_advice(ctx: ToolContext) -> str:
    """Find out what a gift should be like."""
    return await ctx.context.ask(
        Choice("Who is it for?", ["A coffee drinker", "A tea drinker"], id="who", required=True),
        Choice("How much may it cost?", ["Up to €20", "Up to €50", "More"], id="price", free=True),
        Text("What else should we know?", id="more", max_length=300),
    )


@function_tool
def photo_and_voice() -> str:
    """Say how customers send photos and files, how they speak, and how they rate an answer."""
    return (
        "the paper clip takes photos, PDFs and texts, the microphone takes what you say, "
        "and the thumbs below an answer tell us whether it helped."
    )
