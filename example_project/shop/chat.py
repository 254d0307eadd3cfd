"""The shop's two assistants. Each is a class; ``CHATKIT_SERVERS`` in the settings names them."""

from collections.abc import Iterator
from typing import Any

from agents import Agent, Tool
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from pydantic import BaseModel

from django_chatkit.actions import ActionRequest, on_action
from django_chatkit.agents import (
    AgentServer,
    OpenAITranscriber,
    ToolContext,
    client_tool,
    function_tool,
    tool,
)
from django_chatkit.attachments import Attachments
from django_chatkit.context import ChatKitContext
from django_chatkit.demo import DemoServer
from django_chatkit.dictation import Dictation, Recording
from django_chatkit.feedback import FeedbackQuestion
from django_chatkit.questions import Choice, Text
from django_chatkit.widgets import render_widget

from .models import Order, Product


def orders_of(ctx: ToolContext) -> QuerySet[Order]:
    """What the person in the chat may see. Each tool asks here, and no tool takes a user's name."""
    return Order.objects.filter(owner=ctx.context.user).select_related("product")


@function_tool
def my_orders(ctx: ToolContext) -> str:
    """List the orders of the customer in this chat."""
    return "".join(f"\n- {order}" for order in orders_of(ctx)) or "There are no orders yet."


@function_tool
def order_status(ctx: ToolContext, number: int) -> str:
    """Say where an order of the customer in this chat is.

    Args:
        number: The order's number, as in 1002.
    """
    order = orders_of(ctx).filter(number=number).first()
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


@tool
def order_card(ctx: ToolContext, number: int) -> str:
    """Show an order of the customer, with a button to cancel it while it is being packed.

    Args:
        number: The order's number, as in 1003.
    """
    order = orders_of(ctx).filter(number=number).first()
    if order is None:
        return f"You have no order {number}."
    async_to_sync(ctx.context.show)(order_widget(order), copy_text=str(order))
    return f"here is order {number}."


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


def make_agent(name: str, instructions: str, tools: list[Tool]) -> Agent:
    """With a key, an agent as yours would be. Without one the demo's agent, offline, with our tools too."""
    if settings.OPENAI_MODEL:
        return Agent(name=name, instructions=instructions, model=settings.OPENAI_MODEL, tools=tools)
    demo = DemoServer.agent
    return demo.clone(name=name, instructions=instructions, tools=[*tools, *demo.tools])


def listen(recording: Recording, context: ChatKitContext) -> str:
    """Without a key nobody here understands speech, but the button can be tried."""
    return f"I said {len(recording.data)} bytes of {recording.mime_type}."


class OrderNumber(BaseModel):
    """What the card's button sends."""

    number: int


# In a project of yours this is an AgentServer; the DemoServer adds what the demo's widget needs.
class SupportServer(DemoServer):
    """Answers customers who are signed in, about their own orders."""

    agent = make_agent(
        "Support",
        "You help customers of Kettle & Leaf with their orders. Look orders up; never guess.",
        [my_orders, order_status, products, order_card, read_page, gift_advice],
    )
    attachments = Attachments(
        max_size=5 * 1024 * 1024,
        max_count=3,
        accept={"image/*": [".png", ".jpg", ".jpeg", ".gif", ".webp"], "text/plain": [".txt"]},
    )
    dictation = Dictation(OpenAITranscriber() if settings.OPENAI_MODEL else listen)
    feedback_question = FeedbackQuestion()
    options = {
        "frameTitle": "Support chat",
        "startScreen": {
            "greeting": "How can we help?",
            "prompts": [
                {
                    "label": "Where is my order 1002?",
                    "prompt": "What is the status of my order 1002?",
                    "icon": "cube",
                },
                {"label": "Show my orders", "prompt": "List my orders", "icon": "document"},
                {
                    "label": "Order 1003, as a card",
                    "prompt": "Show the card of order 1003",
                    "icon": "square-code",
                },
                {"label": "What is on this page?", "prompt": "Read the page", "icon": "notebook"},
                {"label": "Help me find a gift", "prompt": "I need advice for a gift", "icon": "lightbulb"},
                {"label": "Answer slowly", "prompt": "/slow 30 200", "icon": "clock"},
                {"label": "What else can you do?", "prompt": "help", "icon": "circle-question"},
            ],
        },
        "composer": {"placeholder": "Ask about an order"},
        "threadItemActions": {"feedback": True, "retry": True},
    }

    @on_action("order.cancel")
    def cancel_order(self, action: ActionRequest, chosen: OrderNumber) -> Iterator[Any]:
        """The card's button. What the widget offered is what arrives; whose order it is, is asked here."""
        order = get_object_or_404(Order, owner=action.user, number=chosen.number)
        packing = Order.objects.filter(pk=order.pk, status=Order.Status.PACKING)
        cancelled = packing.update(status=Order.Status.CANCELLED)
        order.refresh_from_db()
        yield order_widget(order)
        yield f"Order {order.number} is cancelled." if cancelled else "It is too late for that."


class SalesServer(AgentServer):
    """Answers everyone, signed in or not, about what is on the shelf."""

    allow_anonymous = True
    agent = make_agent(
        "Sales",
        "You advise visitors of Kettle & Leaf, who buy kettles, mugs, coffee and tea. Be brief.",
        [products],
    )
    options = {
        "frameTitle": "Sales chat",
        "startScreen": {
            "greeting": "Looking for something?",
            "prompts": [{"label": "What do you sell?", "prompt": "Which products do you have?"}],
        },
        "composer": {"placeholder": "Ask about our products"},
    }
