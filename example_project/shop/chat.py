"""The shop's two assistants. Each is a class; ``CHATKIT_SERVERS`` in the settings names them."""

from collections.abc import Iterator
from typing import Any

from agents import Agent, ImageGenerationTool, Tool
from django.conf import settings
from django.db.models import Model
from django.shortcuts import get_object_or_404
from pydantic import BaseModel

from django_chatkit.actions import ActionRequest, on_action
from django_chatkit.agents import AgentServer, OpenAITranscriber
from django_chatkit.attachments import Attachments
from django_chatkit.commands import Command
from django_chatkit.context import ChatKitContext
from django_chatkit.demo import DemoModel, DemoServer
from django_chatkit.dictation import Dictation, Recording
from django_chatkit.entities import content
from django_chatkit.events import effect
from django_chatkit.feedback import FeedbackQuestion

from .entities import OrderEntity, ProductEntity
from .models import Order, Product
from .tools import (
    close_conversation,
    delivery_terms,
    gift_advice,
    my_orders,
    order_card,
    order_changed,
    order_status,
    order_widget,
    photo_and_voice,
    products,
    read_page,
    return_order,
    search_shelf,
    ship_order,
)


def make_agent(name: str, instructions: str, tools: list[Tool], opening: str = "") -> Agent:
    """With a key, an agent as yours would be. Without one the demo's agent, offline, with our tools too."""
    if settings.OPENAI_MODEL:
        return Agent(name=name, instructions=instructions, model=settings.OPENAI_MODEL, tools=tools)
    demo = DemoServer.agent
    tools = [*tools, *demo.tools]
    return demo.clone(name=name, instructions=instructions, model=DemoModel(opening), tools=tools)


TOOLS: list[Tool] = [
    my_orders,
    order_status,
    products,
    order_card,
    return_order,
    ship_order,
    read_page,
    gift_advice,
    photo_and_voice,
    delivery_terms,
    search_shelf,
    close_conversation,
    ImageGenerationTool(tool_config={"type": "image_generation", "partial_images": 2}),
]
INSTRUCTIONS = "You help customers of Kettle & Leaf with their orders. Look orders up; never guess."


# Label, prompt and icon of what can be asked about an order, by its status.
ORDER_PROMPTS = {
    Order.Status.SHIPPED: ("Where is my order {}?", "What is the status of my order {}?", "cube"),
    Order.Status.PACKING: ("Order {}, as a card", "Show the card of order {}", "square-text"),
    Order.Status.DELIVERED: ("Return order {}", "I want to return order {}", "suitcase"),
}


def order_prompts(newest: dict[str, Order]) -> list[dict[str, Any]]:
    """A prompt for each status of which the customer has an order."""
    return [
        {"label": label.format(order.number), "prompt": prompt.format(order.number), "icon": icon}
        for status, (label, prompt, icon) in ORDER_PROMPTS.items()
        if (order := newest.get(status))
    ]


def own_prompts(context: ChatKitContext) -> list[dict[str, Any]]:
    """About this customer's own orders; the very first mentions the newest."""
    orders = Order.objects.of(context.user)
    newest = orders.first()
    if newest is None:
        return []
    prompt = content("What about ", OrderEntity.mention(newest, context), "?")
    about = {"label": "About my newest order", "prompt": prompt, "icon": "cube"}
    return [about, *order_prompts(orders.newest_by_status())]


def shipping_prompts(context: ChatKitContext) -> list[dict[str, Any]]:
    """Staff may do it, and the customer is told; customers may not, and are told so."""
    is_staff = context.user is not None and context.user.has_perm("shop.change_order")  # type: ignore[attr-defined]
    orders = Order.objects.all() if is_staff else Order.objects.of(context.user)
    order = orders.filter(status=Order.Status.PACKING).first()
    if order is None:
        return []
    label = f"Ship order {order.number}" if is_staff else f"Ship order {order.number} (staff only)"
    return [{"label": label, "prompt": f"Ship order {order.number}", "icon": "suitcase"}]


def listen(recording: Recording, context: ChatKitContext) -> str:
    """Without a key nobody here understands speech, but the button can be tried."""
    return f"I said {len(recording.data)} bytes of {recording.mime_type}."


class OrderNumber(BaseModel):
    """What the card's button sends."""

    number: int


# In a project of yours this is an AgentServer; the DemoServer adds what the demo's widget needs.
class SupportServer(DemoServer):
    """Answers customers who are signed in, about their own orders."""

    agent = make_agent("Support", INSTRUCTIONS, TOOLS)
    model_choices = {
        "brief": agent,
        "cheerful": make_agent("Cheerful", f"{INSTRUCTIONS} Be cheerful.", TOOLS, "With pleasure!"),
    }
    attachments = Attachments(
        max_size=5 * 1024 * 1024,
        max_count=3,
        accept={
            "image/*": [".png", ".jpg", ".jpeg", ".gif", ".webp"],
            "application/pdf": [".pdf"],
            "text/plain": [".txt"],
        },
    )
    dictation = Dictation(OpenAITranscriber() if settings.OPENAI_MODEL else listen)
    feedback_question = FeedbackQuestion()
    entities = [OrderEntity]
    commands = [
        Command("orders", "My orders", icon="document", prompt="List my orders", send=True, group="Orders"),
        Command("where", "Where is …", icon="cube", prompt="What is the status of my order ", group="Orders"),
        Command("cheerful", "Be cheerful", icon="confetti", model="cheerful"),
        Command("help", "What can you do?", icon="circle-question", prompt="help", send=True),
    ]
    message_rate = "60/m"
    options = {
        "frameTitle": "Support chat",
        "startScreen": {
            "greeting": "How can we help?",
            "prompts": [
                {"label": "Show my orders", "prompt": "List my orders", "icon": "document"},
                {"label": "What is on this page?", "prompt": "Read the page", "icon": "notebook"},
                {"label": "Help me find a gift", "prompt": "I need advice for a gift", "icon": "lightbulb"},
                {
                    "label": "Can I send a photo?",
                    "prompt": "Can I send a photo, or use my voice?",
                    "icon": "images",
                },
                {
                    "label": "How long does it take?",
                    "prompt": "What are the delivery terms?",
                    "icon": "info",
                },
                {"label": "What is sold out?", "prompt": "Search the shelf", "icon": "search"},
                {"label": "Draw a kettle", "prompt": "Draw a kettle", "icon": "square-image"},
                {"label": "That is all", "prompt": "Close the conversation", "icon": "check"},
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
        "thread": {"autoScroll": True},
    }

    @on_action("order.cancel")
    def cancel_order(self, action: ActionRequest, chosen: OrderNumber) -> Iterator[Any]:
        """The card's button. What the widget offered is what arrives; whose order it is, is asked here."""
        order = get_object_or_404(Order.objects.of(action.user), number=chosen.number)
        packing = Order.objects.filter(pk=order.pk, status=Order.Status.PACKING)
        cancelled = packing.update(status=Order.Status.CANCELLED)
        order.refresh_from_db()
        yield order_widget(order)
        yield effect("order.changed", order_changed(order))
        yield f"Order {order.number} is cancelled." if cancelled else "It is too late for that."

    def get_options(self, context: ChatKitContext) -> dict[str, Any]:
        """The first prompts are about this customer's own orders; those of staff about one to be shipped."""
        screen = self.options["startScreen"]
        prompts = [*own_prompts(context), *shipping_prompts(context), *screen["prompts"]]
        return {**self.options, "startScreen": {**screen, "prompts": prompts}}


class SalesServer(AgentServer):
    """Answers everyone, signed in or not, about what is on the shelf."""

    allow_anonymous = True
    agent = make_agent(
        "Sales",
        "You advise visitors of Kettle & Leaf, who buy kettles, mugs, coffee and tea. Be brief.",
        [products],
    )
    entities = [ProductEntity]

    def can_see_page_object(self, obj: Model, context: ChatKitContext) -> bool:
        """Everybody may see what is on the shelf: product.html says on which product's page a chat is."""
        return isinstance(obj, Product)

    def get_page_context(self, obj: Any, context: ChatKitContext) -> dict[str, Any]:
        return {"product": obj.name, "price": f"€{obj.price}", "stock": obj.stock}

    options = {
        "frameTitle": "Sales chat",
        "startScreen": {
            "greeting": "Looking for something?",
            "prompts": [
                {"label": "What do you sell?", "prompt": "Which products do you have?", "icon": "cube"},
                {"label": "What am I looking at?", "prompt": "What am I looking at?", "icon": "search"},
            ],
        },
        "composer": {"placeholder": "Ask about our products"},
        "thread": {"autoScroll": True},
    }
