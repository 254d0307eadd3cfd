"""The shop's two assistants. Each is a class; ``CHATKIT_SERVERS`` in the settings names them."""

from typing import Any

from agents import Agent, Tool
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from django_chatkit.agents import AgentServer, ToolContext, function_tool
from django_chatkit.commands import Command
from django_chatkit.context import ChatKitContext
from django_chatkit.demo import DemoModel, DemoServer
from django_chatkit.entities import ModelEntity, content

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


class OrderEntity(ModelEntity):
    """``@1002``: a customer's own orders, and nobody else's."""

    model = Order
    search_fields = ["number", "product__name"]
    facts = ["status", "quantity", "product", "ordered_on"]
    icon = "cube"

    def get_queryset(self, context: ChatKitContext) -> QuerySet[Order]:
        return Order.objects.filter(owner_id=context.user.pk if context.user else None).select_related(
            "product"
        )

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
        return f"{reverse('shop')}#product-{obj.pk}"


def make_agent(name: str, instructions: str, tools: list[Tool], opening: str = "") -> Agent:
    """With a key, an agent as yours would be. Without one the demo's agent, offline, with our tools too."""
    if settings.OPENAI_MODEL:
        return Agent(name=name, instructions=instructions, model=settings.OPENAI_MODEL, tools=tools)
    demo = DemoServer.agent
    tools = [*tools, *demo.tools]
    return demo.clone(name=name, instructions=instructions, model=DemoModel(opening), tools=tools)


TOOLS: list[Tool] = [my_orders, order_status, products]
INSTRUCTIONS = "You help customers of Kettle & Leaf with their orders. Look orders up; never guess."


# In a project of yours this is an AgentServer; the DemoServer adds what the demo's widget needs.
class SupportServer(DemoServer):
    """Answers customers who are signed in, about their own orders."""

    agent = make_agent("Support", INSTRUCTIONS, TOOLS)
    model_choices = {
        "brief": agent,
        "cheerful": make_agent("Cheerful", f"{INSTRUCTIONS} Be cheerful.", TOOLS, "With pleasure!"),
    }
    entities = [OrderEntity]
    commands = [
        Command("orders", "My orders", icon="document", prompt="List my orders", send=True, group="Orders"),
        Command("where", "Where is …", icon="cube", prompt="What is the status of my order ", group="Orders"),
        Command("cheerful", "Be cheerful", icon="confetti", model="cheerful"),
    ]
    message_rate = "60/m"
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
                {"label": "Show a widget", "prompt": "/widget", "icon": "square-code"},
                {"label": "Answer slowly", "prompt": "/slow 30 200", "icon": "clock"},
                {"label": "What else can you do?", "prompt": "help", "icon": "circle-question"},
            ],
        },
        "composer": {
            "placeholder": "Ask about an order, @ mentions one",
            "models": [
                {"id": "brief", "label": "Brief", "default": True},
                {"id": "cheerful", "label": "Cheerful", "description": "The same facts, with a smile"},
            ],
        },
        "threadItemActions": {"feedback": True, "retry": True},
    }

    def get_options(self, context: ChatKitContext) -> dict[str, Any]:
        """The first prompt is about this customer's newest order, and mentions it."""
        newest = OrderEntity().get_queryset(context).first()
        if newest is None:
            return self.options
        mention = OrderEntity.mention(newest, context)
        prompt = {
            "label": "About my newest order",
            "prompt": content("What about ", mention, "?"),
            "icon": "cube",
        }
        screen = self.options["startScreen"]
        return {**self.options, "startScreen": {**screen, "prompts": [prompt, *screen["prompts"]]}}


class SalesServer(AgentServer):
    """Answers everyone, signed in or not, about what is on the shelf."""

    allow_anonymous = True
    agent = make_agent(
        "Sales",
        "You advise visitors of Kettle & Leaf, who buy kettles, mugs, coffee and tea. Be brief.",
        [products],
    )
    entities = [ProductEntity]
    options = {
        "frameTitle": "Sales chat",
        "startScreen": {
            "greeting": "Looking for something?",
            "prompts": [{"label": "What do you sell?", "prompt": "Which products do you have?"}],
        },
        "composer": {"placeholder": "Ask about our products"},
    }
