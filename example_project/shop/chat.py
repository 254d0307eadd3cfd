"""The shop's two assistants. Each is a class; ``CHATKIT_SERVERS`` in the settings names them."""

from agents import Agent, Tool
from django.conf import settings
from django.db.models import QuerySet

from django_chatkit.agents import AgentServer, OpenAITranscriber, ToolContext, function_tool
from django_chatkit.attachments import Attachments
from django_chatkit.context import ChatKitContext
from django_chatkit.demo import DemoServer
from django_chatkit.dictation import Dictation, Recording
from django_chatkit.feedback import FeedbackQuestion

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


def make_agent(name: str, instructions: str, tools: list[Tool]) -> Agent:
    """With a key, an agent as yours would be. Without one the demo's agent, offline, with our tools too."""
    if settings.OPENAI_MODEL:
        return Agent(name=name, instructions=instructions, model=settings.OPENAI_MODEL, tools=tools)
    demo = DemoServer.agent
    return demo.clone(name=name, instructions=instructions, tools=[*tools, *demo.tools])


def listen(recording: Recording, context: ChatKitContext) -> str:
    """Without a key nobody here understands speech, but the button can be tried."""
    return f"I said {len(recording.data)} bytes of {recording.mime_type}."


# In a project of yours this is an AgentServer; the DemoServer adds what the demo's widget needs.
class SupportServer(DemoServer):
    """Answers customers who are signed in, about their own orders."""

    agent = make_agent(
        "Support",
        "You help customers of Kettle & Leaf with their orders. Look orders up; never guess.",
        [my_orders, order_status, products],
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
                {"label": "Show a widget", "prompt": "/widget", "icon": "square-code"},
                {"label": "Answer slowly", "prompt": "/slow 30 200", "icon": "clock"},
                {"label": "What else can you do?", "prompt": "help", "icon": "circle-question"},
            ],
        },
        "composer": {"placeholder": "Ask about an order"},
        "threadItemActions": {"feedback": True, "retry": True},
    }


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
