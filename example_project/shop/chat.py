"""The shop's two assistants. Each is a class; ``CHATKIT_SERVERS`` in the settings names them."""

from agents import Agent, Model, RunContextWrapper, function_tool
from django.conf import settings
from django.db.models import QuerySet

from chatkit.agents import AgentContext
from django_chatkit.agents import AgentServer
from django_chatkit.context import ChatKitContext
from django_chatkit.demo import DemoModel

from .models import Order, Product

ToolContext = RunContextWrapper[AgentContext[ChatKitContext]]


def model() -> str | Model:
    """A real model's name where there is a key for it, and else one that plays by a script, offline."""
    return settings.OPENAI_MODEL or DemoModel()


def orders_of(ctx: ToolContext) -> QuerySet[Order]:
    """What the person in the chat may see. Each tool asks here, and no tool takes a user's name."""
    return Order.objects.filter(owner=ctx.context.request_context.user).select_related("product")


# Tools may use the ORM as it is: the Agents SDK runs plain functions in a thread.


@function_tool
def my_orders(ctx: ToolContext) -> str:
    """List the orders of the customer in this chat."""
    return "\n".join(f"- {order}" for order in orders_of(ctx)) or "There are no orders yet."


@function_tool
def order_status(ctx: ToolContext, number: int) -> str:
    """Say where an order of the customer in this chat is.

    Args:
        number: The order's number, as in 1002.
    """
    order = orders_of(ctx).filter(number=number).first()
    return f"{order}, ordered on {order.ordered_on}." if order else f"There is no order {number} of yours."


@function_tool
def products(ctx: ToolContext) -> str:
    """List the shop's products with price and stock."""
    return "\n".join(f"- {p}: €{p.price}, {p.stock or 'none'} in stock" for p in Product.objects.all())


class SupportServer(AgentServer):
    """Answers customers who are signed in, about their own orders."""

    agent = Agent(
        name="Support",
        instructions="You help customers of Kettle & Leaf with their orders. Look orders up; never guess.",
        model=model(),
        tools=[my_orders, order_status, products],
    )
    options = {
        "startScreen": {
            "greeting": "How can we help?",
            "prompts": [
                {"label": "Where is my order 1002?", "prompt": "What is the status of my order 1002?"},
                {"label": "Show my orders", "prompt": "List my orders"},
            ],
        },
        "threadItemActions": {"feedback": True, "retry": True},
    }


class SalesServer(AgentServer):
    """Answers everyone, signed in or not, about what is on the shelf."""

    allow_anonymous = True
    agent = Agent(
        name="Sales",
        instructions="You advise visitors of Kettle & Leaf, who buy kettles, mugs, coffee and tea. Be brief.",
        model=model(),
        tools=[products],
    )
    options = {
        "startScreen": {
            "greeting": "Looking for something?",
            "prompts": [{"label": "What do you sell?", "prompt": "Which products do you have?"}],
        },
    }
